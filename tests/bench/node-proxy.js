// SPDX-License-Identifier: Apache-2.0
// node-proxy.js: from $LISTEN to $UPSTREAM by two pipes a connection, as Node's guide has it.
'use strict'
const net = require('node:net')

const quiet = () => {}
net.createServer({ allowHalfOpen: true }, client => {
  const upstream = net.connect({ port: Number(process.env.UPSTREAM), host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', quiet).pipe(upstream)
  upstream.on('error', quiet).pipe(client)
}).listen({ port: Number(process.env.LISTEN), host: '127.0.0.1', backlog: 4096 })
