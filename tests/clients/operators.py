"""What operators do who keep a server clean, at weechat and at irssi."""

import re

from daemon import ROOT

PRIVILEGES = ["kill", "ban", "rehash", "wallops", "notices", "see-all", "join", "nick", "channel-modes"]


def settings():
    """Operators, cloaks and a filter. The operators' password is that of the sample configuration."""
    sample = (ROOT / "etc/chatd.toml").read_text(encoding="utf-8")
    password = re.search(r'"(\$argon2id\$[^"]+)"', sample)[1]
    names = ", ".join(f'"{name}"' for name in PRIVILEGES)
    return f"""
[[oper_class]]
name = "keeper"
title = "keeps this place clean"
privileges = [{names}]
[[oper]]
name = "alice"
password = "{password}"
class = "keeper"
[cloak]
key = "thirty-two-characters-are-enough-for-this"
suffix = "ip"
[[filter]]
name = "coins"
pattern = 'free\\s+coins'
action = "warn"
reason = "Nobody wants those"
"""


def operators(setting):
    """Operators who keep a server clean"""
    irs, wee = setting.irs, setting.wee
    irs.sees(r"Mind the gap")
    yield "a reload brings operators, cloaks and a filter"
    setting.configure(settings())
    setting.daemon.ctl("reload")
    irs.do("/set cmd_queue_speed 10msec", "/reconnect")
    irs.sees(r"(?s)Reconnecting.*Mind the gap")
    wee.do("/reconnect chatd")
    wee.sees(r"(?s)disconnected from server.*Mind the gap")
    for part in (become, hosts, watch, clean):
        yield from part(setting, irs, wee)


def become(_setting, irs, wee):
    """OPER, at both."""
    yield "a wrong password, and the right one"
    irs.do("/oper alice wrong")
    irs.sees(r"Password incorrect")
    irs.do("/oper alice example")
    irs.sees(r"You are now an IRC operator", r"Mode change \[\+o\] for user irs")
    wee.do("/oper alice example")
    wee.sees(r"You are now an IRC operator", r"User mode \[\+o\] by wee")
    yield "WHOIS says what they are"
    wee.do("/whois irs")
    wee.sees(r"\[irs\] keeps this place clean")


def hosts(setting, irs, wee):
    """Hosts that are made up, and change."""
    setting.meet()
    yield "weechat takes a host that hides its address, and irssi says so"
    wee.do("/mode wee +x")
    irs.sees(r"wee \[~\S+@\w+\.\w+\.\w+\.ip\] has changed host")
    wee.sees(r"wee \(~\S+@127\.0\.0\.1\) has changed host to ~\S+@\w+\.\w+\.\w+\.ip")
    wee.do("/mode wee -x")
    irs.sees(r"wee \[~\S+@127\.0\.0\.1\] has changed host")


def watch(setting, irs, wee):
    """What operators are told."""
    yield "notices of the server, by kind"
    wee.window("server")
    irs.window("server")
    wee.do("/mode wee +s")
    wee.sees(r"Server notice mask for wee: \+\w*c\w*k")
    pest = setting.peer("pest")
    wee.sees(r"\*\*\* pest!~pest@127\.0\.0\.1 has connected")
    yield "a text that the filter looks for"
    pest.send("JOIN #den\r\nPRIVMSG #den :free   coins here")
    wee.sees(r"\*\*\* the filter coins has found something in a PRIVMSG of pest!~pest@127\.0\.0\.1: warn")
    yield "irssi's list of friends"
    irs.do("/set notify_check_time 1s", "/notify tom")
    tom = setting.peer("tom")
    irs.sees(r"tom \[~?tom@127\.0\.0\.1\] \[tom\] has joined (to )?")
    tom.quit("bye")
    irs.sees(r"tom has left")
    yield "WALLOPS"
    irs.do("/mode irs +w")
    irs.sees(r"Mode change \[\+w\]")
    wee.do("/wallops mind the pest")
    irs.sees(r"wee.*mind the pest")
    setting.pest = pest


def clean(setting, irs, wee):
    """Kills and bans."""
    pest = setting.pest
    yield "a kill, seen by all operators and by who is killed"
    irs.do("/quote KILL pest :enough")
    pest.expect(r"KILL pest :?enough")
    wee.sees(r"\*\*\* irs kills pest!~pest@127\.0\.0\.1: enough")
    yield "a ban from the server, its list, and its end"
    irs.do("/quote KLINE 60 ~pest@* :Away with you")
    irs.sees(r"~pest@\*")
    setting.peer("pest", end=r"^ERROR .*Away with you")
    wee.do("/stats k")
    wee.sees(r"\b[kK] \* \* ~pest .*Away with you")
    wee.do("/quote UNKLINE ~pest@*")
    wee.sees(r"~pest@\*")
    setting.peer("pest").quit("as you like")
    yield "others' channels and nicks"
    irs.do("/quote SAJOIN wee #cellar", "/quote SANICK wee weasel")
    wee.sees(r"You are now known as weasel")
    irs.do("/whois weasel")
    irs.sees(r"channels +:.*#cellar")
    yield "a configuration that does not load, told to who asked"
    setting.configure("networl = 'oops'")
    irs.do("/rehash")
    irs.sees(r"networl")
