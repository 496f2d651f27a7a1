"""What weechat and irssi show of a conversation, and of what chatctl does meanwhile.

A test is a generator that yields the name of each step before it.
"""

import re
import signal

from report import expect, wait


def conversation(setting):
    """A conversation"""
    irs, wee = setting.irs, setting.wee
    yield "both connect by the hint that chatd prints"
    for client in (irs, wee):
        client.sees(r"Welcome to the chatd network", r"Mind the gap\.")
    yield "each negotiates the capabilities that it knows"
    wee.sees(r"(?s)server supports:.*echo-message.*multi-prefix.*server-time", r"(?s)enabled:.*server-time")
    irs.do("/cap list")
    irs.sees(r"multi-prefix")
    yield "both join a channel"
    setting.meet()
    yield "they talk, in both directions"
    irs.do("Anybody home?")
    wee.hears("@irs", "Anybody home?")
    wee.do("Just me")
    irs.hears("wee", "Just me")
    yield "in any script, with an emoji"
    irs.do("Grüße, Привет, 日本語, مرحبا")
    wee.hears("@irs", "Grüße, Привет, 日本語")
    wee.do("naïve café 👍 done")
    irs.hears("wee", "naïve café 👍 done")
    yield "an action"
    wee.do("/me waves")
    irs.sees(r" \* wee waves")
    irs.do("/me waves back")
    wee.sees(r" \* *[|│] irs waves back")
    yield "a topic"
    irs.do("/topic Trains, and nothing else")
    wee.sees(r'irs has (changed|set) topic .*Trains, and nothing else')
    yield "a change of nick, seen by both"
    wee.do("/nick weasel")
    irs.sees(r"wee is now known as weasel")
    wee.sees(r"You are now known as weasel")
    yield "a private message, and an answer"
    wee.do("/msg irs psst, over here")
    irs.window("weasel")
    irs.hears("weasel", "psst, over here")
    irs.do("I hear you")
    wee.window("irs")
    wee.hears("irs", "I hear you")
    yield "being away is told to who writes"
    irs.do("/away at lunch")
    irs.sees(r"\[irs\(\+i\) \(zZzZ\)\]")
    wee.do("are you there?")
    wee.sees(r"irs.*at lunch")
    irs.do("/away")
    irs.sees(r"\[irs\(\+i\)\]")
    yield "WHOIS"
    wee.window("server")
    wee.do("/whois irs")
    wee.sees(r"\[irs\] .*@", r"\[irs\] .*#den", r"\[irs\].*End of /?WHOIS")
    for client in (irs, wee):
        client.window("#den")
    yield "operator status is given and taken"
    irs.do("/op weasel")
    wee.sees(r"Mode #den \[\+o weasel\] by irs")
    irs.sees(r"mode/#den \[\+o weasel\] by irs")
    wee.do("/deop irs")
    irs.sees(r"mode/#den \[-o irs\] by weasel")
    wee.do("/op irs")
    irs.sees(r"mode/#den \[\+o irs\] by weasel")
    yield "a user kicks another, who comes back"
    irs.do("/kick weasel mind the doors")
    wee.sees(r"irs has kicked weasel.*mind the doors")
    wee.do("/join #den")
    irs.sees(r"-!- weasel \[.*\] has joined #den")
    yield "one leaves the channel, then the server"
    wee.do("/part #den last stop")
    irs.sees(r"weasel \[.*\] has left #den \[last stop\]")
    wee.do("/join #den")
    irs.sees(r"(?s)has left #den.*-!- weasel \[.*\] has joined #den")
    wee.do("/quit all change")
    irs.sees(r"weasel \[.*\] has quit \[.*all change")


def lag(setting):
    """Lag"""
    irs, wee = setting.irs, setting.wee
    yield "both send PING, as often as they are told to"
    # Its status bar takes notice of a lag of ten times this.
    irs.do("/set lag_min_show 100msec", "/set lag_check_time 2s")
    wee.sees(r"Mind the gap\.")
    # Which it minds from its next connection on.
    wee.do("/set irc.network.lag_check 2", "/reconnect chatd")
    wee.sees(r"(?s)disconnected from server.*Mind the gap\.")
    before = messages(setting)
    wait("PINGs of both", lambda: all(count > before[nick] + 1 for nick, count in messages(setting).items()))
    yield "both see the lag grow while chatd is stopped"
    setting.daemon.signal(signal.SIGSTOP)
    try:
        wee.sees(r"\[Lag: [2-9]\]")
        irs.sees(r"\[Lag: \d+ \(\?\?\)\]")
        # The next PONG would end what it shows, so there shall be none after the one that is due.
        irs.do("/set lag_check_time 5min")
        irs.sees(r"lag_check_time 5min")
    finally:
        setting.daemon.signal(signal.SIGCONT)
    yield "it goes on, answers, and both have measured it"
    irs.sees(r"\[Lag: \d+(\.\d+)?\]")
    wait("weechat is content", lambda: "[Lag:" not in wee.screen.text())


def operations(setting):
    """chatctl, while both are connected"""
    irs, wee, ctl = setting.irs, setting.wee, setting.daemon.ctl
    setting.meet()
    yield "list shows both, where they are and what they did"
    irs.do("one message")
    wee.hears("@irs", "one message")
    users = {user["nick"]: user for user in setting.daemon.items()}
    expect(set(users) == {"irs", "wee"}, users)
    expect(users["irs"]["channels"] == ["@#den"] and users["wee"]["channels"] == ["#den"], users)
    expect(all(user["address"] == "127.0.0.1" and user["bytes_out"] > 0 for user in users.values()), users)
    table = ctl("list")
    expect(re.search(r"^NICK +USER@HOST", table) and re.search(r"^irs .*@#den", table, re.M), table)
    channels = ctl("list", "channels")
    expect(re.search(r"^#den +2 ", channels, re.M), channels)
    yield "stats counts them"
    stats = setting.daemon.stats()
    expect(stats["users"] == 2 and stats["channels"] == 1 and stats["connections_now"] == 2, stats)
    expect(re.search(r"^users +2$", ctl("stats"), re.M), ctl("stats"))
    yield "announce reaches both"
    expect("2 users" in ctl("announce", "The", "5:15", "is", "late"), "not sent to both")
    for client in (irs, wee):
        client.window("server")
        client.sees(r"chat\.example.*The 5:15 is late")
        client.window("#den")
    yield "log-level changes what chatd logs"
    ctl("log-level", "debug")
    expect(ctl("log-level") == "debug\n", ctl("log-level"))
    yield "kick from a channel, seen by both"
    ctl("kick", "--channel", "#den", "wee", "wrong", "platform")
    wee.sees(r"chat\.example has kicked wee.*wrong platform")
    irs.sees(r"wee was kicked from #den by chat\.example \[wrong platform\]")
    wee.do("/join #den")
    irs.sees(r"(?s)was kicked.*wee \[.*\] has joined #den")
    yield "kick disconnects, which both see"
    ctl("kick", "wee", "ticket", "please")
    irs.sees(r"wee \[.*\] has quit \[.*ticket please")
    wee.window("server")
    wee.sees(r"ticket please", r"disconnected from server")
    yield "weechat connects again, into its channel"
    irs.sees(r"(?s)has quit.*wee \[.*\] has joined #den")
    wee.window("#den")
    wee.do("I found it")
    irs.hears("wee", "I found it")
    yield "irssi is kicked, and connects again"
    ctl("kick", "irs", "and", "yours")
    wee.sees(r"irs .*has quit.*and yours")
    irs.window("server")
    irs.sees(r"and yours")
    wee.sees(r"(?s)and yours.*irs .*has joined #den")
    irs.window("#den")
    wee.do("so have you")
    irs.hears("wee", "so have you")
    yield "a nick that is not there is refused, with its name"
    expect("nobody" in ctl("kick", "nobody", status=1), "no name in the refusal")


def reload(setting):
    """Reload, while both are connected"""
    irs, wee, ctl, daemon = setting.irs, setting.wee, setting.daemon.ctl, setting.daemon
    setting.meet()
    yield "a new message of the day, and nobody is disconnected"
    before = {user["id"] for user in daemon.items()}
    setting.write_motd("Stand clear of the doors.")
    ctl("reload")
    for client in (irs, wee):
        client.window("server")
        client.do("/motd")
        client.sees(r"Stand clear of the doors\.")
        client.window("#den")
    yield "SIGHUP with a bad file changes nothing, and the log says why, and where"
    setting.configure("networl = 'oops'")
    daemon.hang_up()
    setting.chatd.shows(r"error .*chatd\.toml:\d+:\d+.*networl.*network")
    irs.do("still here?")
    wee.hears("@irs", "still here?")
    yield "chatctl reload refuses it with the same report"
    report = ctl("reload", status=1)
    expect(re.search(r"chatd\.toml:\d+:\d+: .*networl", report), report)
    expect("did you mean" in report and re.search(r"^ *\| *\^+$", report, re.M), report)
    yield "SIGHUP with a good one adds a listener"
    setting.configure("description = 'Trains'\n[[listen]]\naddress = '127.0.0.2:0'")
    daemon.hang_up()
    wait("the listener", lambda: any(
        item["address"].startswith("127.0.0.2:") for item in daemon.items("listeners")))
    wee.do("and still here")
    irs.hears("wee", "and still here")
    expect({user["id"] for user in daemon.items()} == before, "somebody was disconnected")


def shutdown(setting):
    """Shutdown, while both are connected"""
    irs, wee = setting.irs, setting.wee
    setting.meet()
    for client in (irs, wee):
        client.window("server")
    yield "both are told, in words and with ERROR"
    answer = setting.daemon.ctl("shutdown", "The", "last", "train")
    expect("2 connections" in answer, answer)
    for client in (irs, wee):
        client.sees(r"The server is shutting down: The last train", r"Closing Link.*The last train")
    yield "chatd exits 0, and its socket is gone"
    expect(setting.chatd.status() == 0, "its exit status is not 0")
    expect(not setting.daemon.socket.exists(), "its socket is still there")
    yield "chatctl then says that nobody is there"
    expect(str(setting.daemon.socket) in setting.daemon.ctl("stats", status=3), "no socket in the message")


def messages(setting):
    """How many lines chatd had from each user."""
    return {user["nick"]: user["messages_in"] for user in setting.daemon.items()}
