// SPDX-License-Identifier: Apache-2.0
// node-hop.js COUNT: Node's one hop: an object-mode Readable piped into an object-mode Writable, a record of 16 bytes each.
'use strict'
const { Readable, Writable, pipeline } = require('node:stream')
const count = Number(process.argv[2])

let sent = 0
let taken = 0
const source = new Readable({
  objectMode: true,
  highWaterMark: 128,
  read () {
    // Fills the queue in one call, as long as there is room: a call a record is slower.
    while (sent < count) {
      if (!this.push({ number: sent++, size: 16 })) return
    }
    this.push(null)
  }
})
const sink = new Writable({
  objectMode: true,
  highWaterMark: 128,
  write (record, encoding, done) {
    taken++
    done()
  }
})
pipeline(source, sink, error => {
  if (error || taken !== count) {
    console.error(error || `${taken} of ${count} records came`)
    process.exit(1)
  }
})
