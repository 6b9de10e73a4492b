// SPDX-License-Identifier: Apache-2.0
// node-random.js [INTEGERS]: random integers at $LISTEN: a line with a count is answered by that many integers of 0 to 10000, INTEGERS (4096)
// of them a write, from texts that are made once; a write that says no waits for 'drain'.
'use strict'
const net = require('node:net')

const each = Number(process.argv[2] || 4096)
const texts = Array.from({ length: 10001 }, (_, number) => `${number}\r\n`)

function answer (client, left, done) {
  const go = () => {
    while (left > 0) {
      let text = ''
      const part = Math.min(each, left)
      for (let i = 0; i < part; i++) text += texts[Math.floor(Math.random() * 10001)]
      left -= part
      if (!client.write(text, 'latin1') && left > 0) return client.once('drain', go)
    }
    done()
  }
  go()
}

net.createServer(client => {
  let rest = ''
  let answering = false
  const next = () => {
    const end = rest.indexOf('\n')
    if (answering || end < 0) return
    const count = Number(rest.slice(0, end))
    rest = rest.slice(end + 1)
    answering = true
    answer(client, count, () => { answering = false; next() })
  }
  client.on('error', () => {}).setEncoding('latin1').on('data', text => { rest += text; next() })
}).listen({ port: Number(process.env.LISTEN), host: '127.0.0.1', backlog: 4096 })
