// A bot on irc-framework: `node framework.js PORT OPTIONS`, options of its client as JSON. ../bots.py has the lines
// that it reads and prints.
'use strict';

const readline = require('node:readline');
const IRC = require('irc-framework');

const client = new IRC.Client();
const channels = new Map();
const [port, options] = [Number(process.argv[2]), JSON.parse(process.argv[3])];

function tell(event, fields) {
    process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

// Without the functions that it adds to its events.
function plain(value) {
    return Array.isArray(value) ? { list: value } : value;
}

client.command_handler.on('all', (name, event) => tell(name, plain(event)));
for (const name of ['connected', 'socket close', 'reconnecting', 'close']) {
    client.on(name, (event) => tell(`client ${name}`, typeof event === 'object' ? event : {}));
}

const answers = {
    // What the library keeps of its network.
    network: () => ({ name: client.network.name, server: client.network.server, ircd: client.network.ircd,
        options: client.network.options, caps: client.network.cap.enabled,
        offered: Object.fromEntries(client.network.cap.available) }),
    user: () => ({ nick: client.user.nick, host: client.user.host, away: client.user.away,
        modes: [...client.user.modes] }),
    // Who is in a channel that was joined with `enter`, with their modes.
    members: (name) => Object.fromEntries(channels.get(name).users.map(
        (user) => [user.nick, (user.modes || []).join('')])),
    tag: (name) => client.network.supportsTag(name),
};

const methods = {
    ask: (what, ...words) => tell('answer', { value: answers[what](...words) }),
    // A channel whose members the library keeps.
    enter: (name, key) => channels.set(name, client.channel(name, key)),
    tagged: (tags, command, ...params) => {
        const message = new client.Message(command, ...params);
        message.tags = tags;
        client.raw(message);
    },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const [method, ...words] = JSON.parse(line);
    (methods[method] || client[method].bind(client))(...words);
});

for (const cap of options.caps || []) {
    client.requestCap(cap);
}
client.connect({ host: '127.0.0.1', port, ...options });
