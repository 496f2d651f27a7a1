"""What a bot on irc-framework, the library of The Lounge and Kiwi IRC, understands of a session."""

import json
import re

from place import NAME
from report import expect

# Its own choice of capabilities, with what it leaves to a bot.
OPTIONS = {
    "nick": "frame", "username": "frame", "gecos": "A bot of frames", "enable_chghost": True, "enable_setname": True,
    "enable_echomessage": True, "caps": ["labeled-response", "standard-replies", "extended-monitor"],
    # It connects again at once if it was connected for 5 s, and says so with a PING meanwhile.
    "ping_interval": 2,
}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
AWKWARD = "semi;colon back\\slash new\nline and spaces"


def framework(place):
    """A bot on irc-framework"""
    pat = place.pat
    bot = place.node("frame", "framework.js", str(place.port), json.dumps(OPTIONS))
    yield from registration(place, bot)
    pat.send("JOIN #den sesame\r\nMODE #den +k sesame\r\nTOPIC #den :Trains, and nothing else")
    pat.expect(" TOPIC ")
    yield from channel(bot, pat)
    yield from moderation(bot, pat)
    yield from messages(bot, pat)
    yield from people(place, bot, pat)
    yield from errors(bot, pat)
    yield from reconnection(place, bot, pat)


def registration(place, bot):
    """From CAP LS to the end of the message of the day."""
    yield "registration: capabilities, welcome, message of the day"
    bot.gets("cap ls", capabilities={"message-tags": "", "batch": ""})
    bot.gets("cap ack", capabilities={"echo-message": "", "extended-join": "", "setname": ""})
    bot.gets("registered", nick="frame", tags={"time": TIME})
    bot.gets("motd", motd="- Mind the gap.\n")
    yield "what it makes of 005"
    network = bot.ask("network")
    options = network["options"]
    expect(network["server"] == NAME and network["ircd"].startswith("chatd-"), network)
    expect(network["name"] == "chatd" and options["CASEMAPPING"] == "ascii", network)
    expect([prefix["mode"] + prefix["symbol"] for prefix in options["PREFIX"]] == ["o@", "h%", "v+"], options)
    expect(len(options["CHANMODES"]) == 4 and options["CHANMODES"][0] == "beIq" and options["CHANTYPES"] == ["#"],
           options)
    expect(options["WHOX"] is True and options["BOT"] == "B" and options["MONITOR"].isdigit(), options)
    expect(bot.ask("tag", "+typing") and bot.ask("tag", "+example/any"), "a tag is denied")
    yield "a nick that is taken, and another one"
    again = place.node("other", "framework.js", str(place.port), json.dumps(OPTIONS | {"nick": "FRAME"}))
    again.gets("nick in use", nick="FRAME", reason=re.compile("in use"))
    again.do("changeNick", "other")
    again.gets("registered", nick="other")
    again.do("quit", "bye")
    again.gets("client close")


def channel(bot, pat):
    """Entering a channel, and what there is to see."""
    yield "a key that is wrong, and the right one"
    bot.do("join", "#den", "swordfish")
    bot.gets("irc error", error="bad_channel_key", channel="#den", reason=re.compile(r"\+k"))
    bot.do("enter", "#den", "sesame")
    bot.gets("join", nick="frame", channel="#den", account=False, gecos="A bot of frames", hostname="127.0.0.1")
    yield "topic, who set it and when, members, modes"
    bot.gets("topic", channel="#den", topic="Trains, and nothing else")
    bot.gets("topicsetby", nick="pat", channel="#den", when=re.compile(r"^\d+$"))
    bot.gets("userlist", channel="#den", users=lambda users: {
        user["nick"]: (user["modes"], user["ident"], user["hostname"]) for user in users} == {
            "pat": (["o"], "~pat", "127.0.0.1"), "frame": ([], "~frame", "127.0.0.1")})
    bot.do("mode", "#den", "")
    bot.gets("channel info", channel="#den", raw_modes=re.compile(r"^\+\w*k"), modes=lambda modes:
             {"mode": "+k", "param": "sesame"} in modes and {"mode": "+n", "param": None} in modes)
    bot.gets("channel info", channel="#den", created_at=lambda at: at > 1_700_000_000)
    yield "somebody else joins, with account and real name, and leaves"
    pat.send("PART #den :a moment")
    bot.gets("part", nick="pat", channel="#den", message="a moment")
    pat.send("JOIN #den sesame")
    bot.gets("join", nick="pat", channel="#den", account=False, gecos="pat", ident="~pat")
    pat.expect(" 366 ")
    yield "LIST"
    bot.do("list")
    bot.gets("channel list", list=[{"channel": "#den", "num_users": 2, "topic": "Trains, and nothing else"}])
    bot.gets("channel list end")


def moderation(bot, pat):
    """Modes, lists, invitations, kicks: the bot is the operator, as it was there when pat left."""
    yield "ranks, as the library keeps them"
    pat.send("MODE #den")
    pat.expect(" 324 ")
    # Nobody has a rank in the first one, as its operator left.
    bot.do("enter", "#ops")
    bot.gets("userlist", channel="#ops", users=[{"nick": "frame", "modes": ["o"]}])
    pat.send("JOIN #ops")
    bot.gets("join", nick="pat", channel="#ops")
    bot.do("mode", "#ops", "+vh", ["pat", "pat"])
    bot.gets("mode", target="#ops", nick="frame", raw_modes="+vh",
             modes=[{"mode": "+v", "param": "pat"}, {"mode": "+h", "param": "pat"}])
    pat.expect(r"MODE #ops \+vh pat pat")
    expect(set(bot.ask("members", "#ops")["pat"]) == {"v", "h"}, bot.ask("members", "#ops"))
    bot.do("raw", "NAMES #ops")
    bot.gets("userlist", channel="#ops", users=lambda users: {"pat": ["h", "v"], "frame": ["o"]} == {
        user["nick"]: user["modes"] for user in users})
    yield "its parser of modes, with parameters and without, set and unset"
    bot.do("mode", "#ops", "+mlk-v", ["20", "key", "pat"])
    bot.gets("mode", target="#ops", modes=lambda modes: sorted(mode["mode"] for mode in modes) == [
        "+k", "+l", "+m", "-v"] and {"mode": "+l", "param": "20"} in modes and {"mode": "-v", "param": "pat"} in modes)
    bot.do("mode", "#ops", "-lmk", ["key"])
    bot.gets("mode", target="#ops", modes=lambda modes: {"mode": "-l", "param": None} in modes and
             any(mode["mode"] == "-k" and mode["param"] for mode in modes))
    yield "bans, exceptions, invite exceptions, and their lists"
    bot.do("ban", "#ops", "*!*@192.0.2.1")
    bot.gets("mode", target="#ops", modes=[{"mode": "+b", "param": "*!*@192.0.2.1"}])
    bot.do("banlist", "#ops")
    bot.gets("banlist", channel="#ops", bans=[{
        "banned": "*!*@192.0.2.1", "banned_by": re.compile("^frame"), "banned_at": re.compile(r"^\d+$")}])
    bot.do("addInvite", "#ops", "friend!*@*")
    bot.gets("mode", target="#ops", modes=lambda modes: modes[0]["mode"][1] == "I")
    bot.do("inviteList", "#ops")
    bot.gets("inviteList", channel="#ops", invites=[{"invited": "friend!*@*", "invited_by": re.compile("^frame")}])
    bot.do("mode", "#ops", "+eq", ["*!*@192.0.2.2", "$j:#den"])
    bot.gets("mode", target="#ops", modes=[
        {"mode": "+e", "param": "*!*@192.0.2.2"}, {"mode": "+q", "param": "$j:#den"}])
    bot.do("mode", "#ops", "e")
    bot.gets("exceptlist", channel="#ops", excepts=[{"except": "*!*@192.0.2.2"}])
    bot.do("unban", "#ops", "*!*@192.0.2.1")
    bot.gets("mode", target="#ops", modes=[{"mode": "-b", "param": "*!*@192.0.2.1"}])
    yield "topics, set and cleared"
    bot.do("setTopic", "#ops", "Only : operators ; here")
    bot.gets("topic", nick="frame", channel="#ops", topic="Only : operators ; here")
    bot.do("clearTopic", "#ops")
    bot.gets("topic", nick="frame", channel="#ops", topic="")
    yield "a kick, and an invitation to come back"
    bot.do("mode", "#ops", "+i")
    bot.do("raw", "KICK", "#ops", "pat", "mind the doors")
    bot.gets("kick", kicked="pat", nick="frame", channel="#ops", message="mind the doors")
    expect("pat" not in bot.ask("members", "#ops"), "pat is still a member")
    pat.send("JOIN #ops")
    pat.expect(" 473 ")
    bot.do("invite", "#ops", "pat")
    bot.gets("invited", nick="pat", channel="#ops")
    pat.expect(r"INVITE pat #ops")
    pat.send("JOIN #ops\r\nJOIN #lounge\r\nMODE #lounge +i\r\nINVITE frame #lounge")
    bot.gets("join", nick="pat", channel="#ops")
    bot.gets("invite", nick="pat", invited="frame", channel="#lounge")
    bot.do("join", "#lounge")
    bot.gets("userlist", channel="#lounge")


def messages(bot, pat):
    """Messages in both directions, with tags."""
    yield "a message and its echo, both with the same id"
    bot.do("say", "#lounge", "echo; this")
    echo = bot.gets("privmsg", nick="frame", target="#lounge", message="echo; this", from_server=False)
    heard = pat.expect("PRIVMSG #lounge :?echo; this")
    expect(f"msgid={echo['tags']['msgid']}" in heard, f"{echo}: {heard}")
    yield "a label: the echo carries it, and several lines come as a batch"
    bot.do("tagged", {"label": "L1"}, "PRIVMSG", "#lounge", "labelled")
    bot.gets("privmsg", nick="frame", message="labelled", tags={"label": "L1"})
    bot.do("tagged", {"label": "L2"}, "WHOIS", "pat")
    batch = bot.gets("batch start labeled-response", type="labeled-response")
    expect([command["command"] for command in batch["commands"]][0] == "311", batch)
    bot.gets("whois", nick="pat")
    bot.gets("batch end labeled-response")
    bot.do("tagged", {"label": "L3"}, "PONG", "nothing")
    bot.gets("unknown command", command="ACK", tags={"label": "L3"})
    yield "tags with everything that needs an escape"
    bot.do("say", "#lounge", "with tags", {"+example/a": AWKWARD, "+example/b": "", "+draft/reply": "none"})
    bot.gets("privmsg", message="with tags", tags={"+example/a": AWKWARD, "+example/b": "", "+draft/reply": "none"})
    pat.send("@+example/c=a\\:b\\sc\\\\d\\r\\ne;+example/d PRIVMSG frame :escaped")
    bot.gets("privmsg", nick="pat", target="frame", message="escaped", time=lambda ms: ms > 1_700_000_000_000,
             tags={"+example/c": "a;b c\\d\r\ne", "+example/d": "", "time": TIME})
    yield "typing, in both directions"
    pat.send("@+typing=active TAGMSG #lounge")
    bot.gets("tagmsg", nick="pat", target="#lounge", tags={"+typing": "active"})
    bot.do("tagmsg", "#lounge", {"+typing": "paused"})
    pat.expect(r"^@\S*\+typing=paused\S* :frame!\S+ TAGMSG #lounge")
    bot.gets("tagmsg", nick="frame", tags={"+typing": "paused"})
    yield "notices, actions, CTCP, ranks as targets"
    pat.send("NOTICE frame :take notice\r\nPRIVMSG #lounge :\1ACTION waves\1\r\nPRIVMSG frame :\1VERSION\1")
    bot.gets("notice", nick="pat", target="frame", message="take notice", from_server=False)
    bot.gets("action", nick="pat", target="#lounge", message="waves")
    pat.expect("NOTICE pat :\1VERSION node.js irc-framework\1")
    bot.do("ctcpRequest", "pat", "PING", "12")
    pat.expect("PRIVMSG pat :\1PING 12\1")
    pat.send("NOTICE frame :\1PING 12\1")
    bot.gets("ctcp response", nick="pat", type="PING", message="PING 12")
    yield "a text of several lines' length arrives whole, no character in half"
    text = "Zug um Zug, 電車 nach 電車, 🚆 " * 60
    bot.do("say", "#lounge", text)
    parts, echoes = [], []
    while sum(map(len, parts)) < len(text.replace(" ", "")):
        parts.append(pat.expect("PRIVMSG #lounge ").split("#lounge ", 1)[1].removeprefix(":").replace(" ", ""))
        echoes.append(bot.gets("privmsg", nick="frame", target="#lounge")["message"].replace(" ", ""))
    expect("".join(parts) == "".join(echoes) == text.replace(" ", "") and len(parts) > 4, parts)


def people(place, bot, pat):
    """Who is who, here, away, a bot."""
    yield "WHOIS"
    pat.send("AWAY :at lunch")
    bot.gets("away", nick="pat", message="at lunch", self=False)
    bot.do("whois", "pat")
    bot.gets("whois", nick="pat", ident="~pat", hostname="127.0.0.1", real_name="pat", server=NAME, away="at lunch",
             channels=re.compile("@#lounge"), idle=re.compile(r"^\d+$"), logon=re.compile(r"^\d+$"))
    bot.do("whois", "frame")
    bot.gets("whois", nick="frame", actual_ip="127.0.0.1", actual_username="~frame", modes=re.compile(r"modes \+"))
    bot.do("whois", "nobody")
    bot.gets("irc error", error="no_such_nick", nick="nobody")
    bot.gets("whois", nick="nobody", error="not_found")
    yield "bot mode, in WHO, WHOIS and in tags"
    bot.do("raw", "MODE", "frame", "+B")
    bot.gets("mode", target="frame", modes=[{"mode": "+B", "param": None}])
    bot.do("whois", "frame")
    bot.gets("whois", nick="frame", bot=re.compile("bot"))
    bot.do("say", "#lounge", "beep")
    bot.gets("privmsg", nick="frame", message="beep", tags={"bot": ""})
    yield "WHO, which it asks as WHOX"
    bot.do("who", "#lounge")
    bot.gets("wholist", target="#lounge", users=lambda users: {
        user["nick"]: (user["away"], user["bot"], user["channel_modes"], user["real_name"], user["account"],
                       user["server"], user["channel"], user["unparsed_flags"]) for user in users} == {
            "pat": (True, False, ["o"], "pat", "", NAME, "#lounge", []),
            "frame": (False, True, [], "A bot of frames", "", NAME, "#lounge", [])})
    bot.do("raw", "WHO pat")
    bot.gets("wholist", users=[{"nick": "pat", "num_hops_away": 0, "real_name": "pat", "away": True}])
    yield "somebody is back; itself away and back"
    pat.send("AWAY")
    bot.gets("back", nick="pat", self=False)
    bot.do("raw", "AWAY", "charging")
    bot.gets("away", nick="frame", self=True)
    bot.do("raw", "AWAY")
    bot.gets("back", nick="frame", self=True)
    yield "real names and nicks change"
    pat.send("SETNAME :Patricia of the Trains")
    bot.gets("user updated", nick="pat", new_gecos="Patricia of the Trains")
    bot.do("raw", "SETNAME", "Framed")
    bot.gets("user updated", nick="frame", new_gecos="Framed")
    # Who is quieted somewhere may not.
    pat.send("NICK patty")
    pat.expect(" 435 pat #ops ")
    bot.do("mode", "#ops", "-q", "$j:#den")
    pat.expect("MODE #ops -q")
    pat.send("NICK patty")
    bot.gets("nick", nick="pat", new_nick="patty")
    expect("patty" in bot.ask("members", "#ops"), bot.ask("members", "#ops"))
    pat.send("NICK pat")
    bot.gets("nick", nick="patty", new_nick="pat")
    yield "a host changes"
    place.configure("[cloak]\nkey = 'thirty-two-characters-are-enough-for-this'\nsuffix = 'ip'")
    place.daemon.ctl("reload")
    pat.send("MODE pat +x")
    pat.expect(r" 396 pat \S+\.ip ")
    bot.gets("user updated", nick="pat", ident="~pat", hostname="127.0.0.1", new_ident="~pat",
             new_hostname=re.compile(r"\.ip$"))
    pat.send("MODE pat -x")
    bot.gets("user updated", nick="pat", new_hostname="127.0.0.1")
    yield "MONITOR: who is there, who comes and goes, the list"
    bot.do("addMonitor", "pat,late")
    bot.gets("users online", nicks=["pat"])
    bot.gets("users offline", nicks=["late"])
    late = place.peer("late")
    bot.gets("users online", nicks=["late"])
    bot.do("monitorlist")
    bot.gets("monitorList", nicks=lambda nicks: sorted(nicks) == ["late", "pat"])
    bot.do("queryMonitor")
    bot.gets("users online", nicks=lambda nicks: sorted(nicks) == ["late", "pat"])
    late.quit("last train")
    bot.gets("users offline", nicks=["late"])
    bot.do("clearMonitor")
    yield "WHOWAS"
    bot.do("whowas", "late")
    bot.gets("whowas", nick="late", ident="~late", hostname="127.0.0.1", real_name="late",
             whowas=lambda entries: len(entries) == 1)
    bot.do("whowas", "never")
    bot.gets("whowas", nick="never", error="no_such_nick")


def errors(bot, pat):
    """What is refused, as the library names it."""
    yield "what is refused has the library's names"
    bot.do("raw", "BOGUS", "one")
    bot.gets("irc error", error="unknown_command", command="BOGUS")
    # It has no name for 403.
    bot.do("say", "#nowhere", "hello?")
    bot.gets("unknown command", command="403", params=["frame", "#nowhere", "No such channel"])
    bot.do("mode", "#lounge", "+t")
    bot.gets("irc error", error="chanop_privs_needed", channel="#lounge")
    bot.do("invite", "#ops", "pat")
    bot.gets("irc error", error="user_on_channel", nick="pat", channel="#ops")
    pat.send("MODE #lounge +m")
    bot.gets("mode", target="#lounge", modes=[{"mode": "+m", "param": None}])
    bot.do("say", "#lounge", "muffled")
    bot.gets("irc error", error="cannot_send_to_channel", channel="#lounge")
    bot.do("changeNick", "1bad")
    bot.gets("nick invalid", nick="1bad")
    yield "a message of the day, help, links"
    bot.do("raw", "HELP", "JOIN")
    bot.gets("help", help=re.compile("JOIN <channel>"))
    bot.do("raw", "LINKS")
    bot.gets("server links", links=[{"address": NAME, "access_via": NAME, "hops": 0, "description": "A chat server"}])
    bot.do("raw", "INFO")
    bot.gets("info", info=re.compile("chatd"))


def reconnection(place, bot, pat):
    """Disconnected by the server, it comes back."""
    yield "it answers PING, measures, and connects again after it was disconnected"
    bot.gets("pong", time=lambda ms: ms > 1_700_000_000_000)
    pat.send("PRIVMSG frame :bye")
    place.daemon.ctl("kick", "frame", "ticket", "please")
    bot.gets("irc error", error="irc", reason=re.compile("ticket please"))
    bot.gets("client reconnecting", attempt=1)
    bot.gets("registered", nick="frame")
