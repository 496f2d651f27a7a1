//! Configurations: as near to the defaults as a load from one address allows, with throttles, flood limits, look-ups and logs off.

use std::net::Ipv4Addr;
use std::path::Path;

use chatd::config::{Config, Limits};

/// As many clients as anybody could want.
const CLIENTS: u32 = 60_000;
/// Seconds until a silent client is asked whether it is there: longer than a run.
const PING: u32 = 3_600;

/// Where those connect from who trouble others. In a channel of theirs nothing helps but to slow them down, so chatd does, with
/// the rate that it has by default.
pub(crate) const TROUBLE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

pub(crate) fn chatd(port: u16, folder: &Path) -> String {
    let Limits { flood_burst, flood_rate, .. } = Config::default().limits;
    format!(
        "[[listen]]\naddress = \"127.0.0.1:{port}\"\n\
         [admin]\nsocket = \"{}\"\n\
         [throttle]\nconnections = 0\n\
         [timeouts]\nping_interval = {PING}\n\
         [limits]\nconnections = {CLIENTS}\nconnections_per_address = {CLIENTS}\nflood_rate = 0\n\
         [log]\nlevel = \"warn\"\n\
         [[class]]\nname = \"trouble\"\nnetworks = [\"{TROUBLE}\"]\nflood_burst = {flood_burst}\nflood_rate = {flood_rate}\n",
        folder.join("admin.sock").display()
    )
}

pub(crate) fn ngircd(port: u16) -> String {
    format!(
        "[Global]\nName = peer.example\nInfo = load\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = \"hello\"\n\
         AdminInfo1 = load\nAdminInfo2 = load\nAdminEMail = load@example.org\n\
         [Limits]\nConnectRetry = 60\nIdleTimeout = 0\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
         MaxNickLength = 16\nMaxPenaltyTime = 0\nPingTimeout = {PING}\nPongTimeout = {PING}\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\nRequireAuthPing = no\nSyslogFacility = local7\n"
    )
}

pub(crate) fn hybrid(port: u16) -> String {
    format!(
        "serverinfo {{ name = \"peer.example\"; description = \"load\"; network_name = \"load\"; hub = no;\n\
         \x20 default_max_clients = {CLIENTS}; max_nick_length = 16; }};\n\
         admin {{ name = \"load\"; description = \"load\"; email = \"load@example.org\"; }};\n\
         class {{ name = \"users\"; ping_time = {PING} seconds; number_per_ip_local = {CLIENTS};\n\
         \x20 number_per_ip_global = {CLIENTS}; max_number = {CLIENTS}; sendq = 1 megabytes; recvq = 8000 bytes; }};\n\
         listen {{ host = \"127.0.0.1\"; port = {port}; }};\n\
         auth {{ user = \"*@*\"; class = \"users\"; flags = exceed_limit, can_flood; }};\n\
         channel {{ max_channels = 100; default_join_flood_count = 0; default_join_flood_time = 0 seconds; }};\n\
         general {{ disable_auth = yes; ping_cookie = no; throttle_count = {CLIENTS}; throttle_time = 1 second;\n\
         \x20 default_floodcount = 0; anti_nick_flood = no; pace_wait = 0 seconds; pace_wait_simple = 0 seconds;\n\
         \x20 no_oper_flood = yes; max_targets = 10; }};\n\
         log {{ use_logging = no; }};\n\
         modules {{ path = \"/usr/lib/ircd-hybrid/modules\"; path = \"/usr/lib/ircd-hybrid/modules/autoload\"; }};\n"
    )
}

pub(crate) fn inspircd(port: u16, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "<server name=\"peer.example\" description=\"load\" network=\"load\" id=\"0AA\">\n\
         <admin name=\"load\" nick=\"load\" email=\"load@example.org\">\n\
         <path configdir=\"{folder}\" datadir=\"{folder}\" logdir=\"{folder}\" runtimedir=\"{folder}\">\n\
         <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
         <connect name=\"main\" allow=\"*\" maxchans=\"100\" timeout=\"60\" pingfreq=\"{PING}s\" localmax=\"{CLIENTS}\"\n\
         \x20 globalmax=\"{CLIENTS}\" limit=\"{CLIENTS}\" resolvehostnames=\"no\" useident=\"no\" fakelag=\"no\" threshold=\"100000\"\n\
         \x20 commandrate=\"1000000000\" hardsendq=\"1M\" softsendq=\"1M\" recvq=\"64K\">\n\
         <options prefixquit=\"\" defaultmodes=\"nt\">\n\
         <performance quietbursts=\"yes\" softlimit=\"{CLIENTS}\" somaxconn=\"1024\" nouserdns=\"yes\">\n\
         <security maxtargets=\"20\">\n\
         <limits maxnick=\"30\" maxchan=\"64\" maxident=\"10\" maxhost=\"64\" maxreal=\"128\">\n\
         <whowas groupsize=\"10\" maxgroups=\"1000\" maxkeep=\"3d\">\n"
    )
}
