//! `list`: a page at a time, looking at no more than a bounded number of slots for each.

use std::net::SocketAddr;

use super::conn::{Caller, Conn, Power, Role, State};
use super::driver::Driver;
use super::operate::no_channel;
use super::shell::{Gate, GateKind, Shell};
use crate::admin::{
    self, ChannelItem, ConnectionItem, ConnectionState, Json, List, ListenerItem, ListenerState, PageWriter,
    PeerCredentials, RpcError, UserItem, What,
};
use crate::id::ClientId;
use crate::proto::limits::ADMIN_SCAN;
use crate::proto::mask::matches;
use crate::server::UserInfo;

impl<D: Driver> Shell<D> {
    pub(super) fn list(&mut self, list: &List) -> Result<Json, RpcError> {
        let channel = match list.channel.as_deref() {
            None => None,
            Some(name) => Some(self.server.find_channel(name).ok_or_else(|| no_channel(name))?),
        };
        let mut page = PageWriter::new(list.limit);
        let mask = list.mask.as_deref();
        let from = list.after;
        let (next, scanned) = match list.what {
            What::Users => self.scan(&mut page, from, |id, conn| self.user_item(id, conn, mask, channel)),
            What::Connections => self.scan(&mut page, from, |id, conn| self.connection_item(id, conn, mask)),
            What::Channels => self.list_channels(&mut page, from, mask),
            What::Listeners => self.list_listeners(&mut page, from, mask),
        };
        self.scanned += scanned;
        Ok(page.finish(next))
    }

    /// Fills a page with items of connections, by slot. Returns the cursor of the next page, if there may be
    /// one, and how many slots it looked at.
    fn scan<T: serde::Serialize>(
        &self,
        page: &mut PageWriter,
        from: u64,
        item: impl Fn(ClientId, &Conn<D::Stream>) -> Option<T>,
    ) -> (Option<u64>, usize) {
        let bound = self.conns.slot_bound();
        let from = u32::try_from(from).unwrap_or(bound).min(bound);
        let last = bound.min(from.saturating_add(ADMIN_SCAN as u32));
        for slot in from..last {
            if page.is_full() {
                return (Some(slot.into()), (slot - from) as usize);
            }
            if let Some((id, conn)) = self.conns.at(slot)
                && let Some(item) = item(id, conn)
            {
                page.push(&item);
            }
        }
        ((last < bound).then_some(last.into()), (last - from) as usize)
    }

    fn user_item(
        &self,
        id: ClientId,
        conn: &Conn<D::Stream>,
        mask: Option<&str>,
        channel: Option<&str>,
    ) -> Option<UserItem> {
        if !conn.is_chat() || channel.is_some_and(|channel| !self.server.is_member(id, channel)) {
            return None;
        }
        let full = self.server.describe(id)?;
        let nick = full.split_once('!')?.0;
        if mask.is_some_and(|mask| !matches(mask, nick) && !matches(mask, &full)) {
            return None;
        }
        let info = self.server.user_info(self.now, id)?;
        Some(self.item_of(id, conn, info))
    }

    /// What the server and the connection know of a user.
    pub(super) fn item_of(&self, id: ClientId, conn: &Conn<D::Stream>, info: UserInfo) -> UserItem {
        UserItem {
            id: id.to_u64(),
            nick: info.nick,
            user: info.user,
            host: info.host,
            address: info.address.to_string(),
            realname: info.realname,
            channels: info.channels,
            modes: info.modes,
            class: info.class,
            connected_seconds: (self.now.mono_ms - conn.since_ms) / 1_000,
            idle_seconds: info.idle_ms / 1_000,
            bytes_in: conn.bytes_in,
            bytes_out: conn.bytes_out,
            messages_in: info.messages_in,
            messages_out: conn.messages_out,
            send_queue_bytes: self.out.pending(id.slot).into(),
            kernel_queue_bytes: self.kernel_queue(id),
        }
    }

    fn connection_item(
        &self,
        id: ClientId,
        conn: &Conn<D::Stream>,
        mask: Option<&str>,
    ) -> Option<ConnectionItem> {
        let described = self.server.describe(id);
        let nick = described.as_deref().map(|mask| mask.split_once('!').map_or(mask, |(nick, _)| nick));
        let (role, address, peer) = match conn.role {
            Role::Chat(ip, port) => (admin::Role::Chat, SocketAddr::new(ip, port).to_string(), None),
            Role::Admin(Caller { peer, power }) => {
                let peer = PeerCredentials { pid: peer.pid, uid: peer.uid, gid: peer.gid };
                (role_of(power), "unix".to_owned(), Some(peer))
            }
        };
        let fits = |mask: &str| {
            let ip = match conn.role {
                Role::Chat(ip, _) => matches(mask, &ip.to_string()),
                Role::Admin(_) => false,
            };
            ip || matches(mask, &address) || nick.is_some_and(|nick| matches(mask, nick))
        };
        if conn.state == State::Closed || mask.is_some_and(|mask| !fits(mask)) {
            return None;
        }
        let registered = described.as_deref().is_some_and(|mask| mask.contains('!'));
        let state = match (conn.state, conn.role) {
            (State::Open, Role::Admin(_)) => ConnectionState::Open,
            (State::Open, Role::Chat(..)) if registered => ConnectionState::Registered,
            (State::Open, Role::Chat(..)) => ConnectionState::Registering,
            _ => ConnectionState::Closing,
        };
        // A reload may have closed the listener since.
        let gate = self.gates.iter().find(|gate| gate.token == conn.listener);
        Some(ConnectionItem {
            id: id.to_u64(),
            role,
            state,
            address,
            listener: gate.map_or_else(|| "closed".to_owned(), |gate| gate.kind.to_string()),
            nick: nick.map(ToOwned::to_owned),
            class: self.server.class_name(id).map(ToOwned::to_owned),
            connected_seconds: (self.now.mono_ms - conn.since_ms) / 1_000,
            bytes_in: conn.bytes_in,
            bytes_out: conn.bytes_out,
            send_queue_bytes: self.out.pending(id.slot).into(),
            kernel_queue_bytes: self.kernel_queue(id),
            peer,
        })
    }

    fn list_channels(&self, page: &mut PageWriter, from: u64, mask: Option<&str>) -> (Option<u64>, usize) {
        let Ok(mut from) = u32::try_from(from) else { return (None, 0) };
        for scanned in 0..ADMIN_SCAN {
            let Some((index, info)) = self.server.channel_from(from) else { return (None, scanned) };
            if page.is_full() {
                return (Some(index.into()), scanned);
            }
            if mask.is_none_or(|mask| matches(mask, &info.name)) {
                page.push(&ChannelItem {
                    name: info.name,
                    members: info.members,
                    modes: info.modes,
                    topic: info.topic,
                    age_seconds: self.now.unix_ms.saturating_sub(info.created_unix_ms) / 1_000,
                });
            }
            from = index + 1;
        }
        (Some(from.into()), ADMIN_SCAN)
    }

    fn list_listeners(&self, page: &mut PageWriter, from: u64, mask: Option<&str>) -> (Option<u64>, usize) {
        // By token, as listeners come and go with reloads.
        for gate in self.gates.iter().filter(|gate| gate.token >= from) {
            let item = listener_item(gate, self.draining);
            if mask.is_some_and(|mask| !matches(mask, &item.address)) {
                continue;
            }
            if page.is_full() {
                return (Some(gate.token), self.gates.len());
            }
            page.push(&item);
        }
        (None, self.gates.len())
    }
}

fn role_of(power: Power) -> admin::Role {
    match power {
        Power::Admin => admin::Role::Admin,
        Power::Monitor => admin::Role::Monitor,
    }
}

fn listener_item<L>(gate: &Gate<L>, draining: bool) -> ListenerItem {
    let state = match gate.paused {
        _ if draining && gate.kind.is_chat() => ListenerState::Draining,
        Some(_) => ListenerState::Paused,
        None => ListenerState::Accepting,
    };
    ListenerItem {
        address: gate.kind.to_string(),
        role: match gate.kind {
            GateKind::Chat { .. } => admin::Role::Chat,
            GateKind::Admin { power, .. } => role_of(power),
        },
        state,
        accepted: gate.accepted,
    }
}
