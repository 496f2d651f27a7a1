//! Requests of operators about bans from the server, and about who the operators are.

use super::driver::{Credentials, Driver};
use super::shell::Shell;
use crate::admin::{BANS, BanItem, INVALID_PARAMS, Json, NOT_FOUND, OperItem, PageWriter, Request, RpcError};
use crate::proto::limits::{ADMIN_SCAN, BAN_REASON, SERVER_BANS};
use crate::proto::mask::matches;
use crate::server::{Ban, BanError, BanInfo, BanKind};

/// The word for a kind of bans.
pub(super) fn word(kind: BanKind) -> &'static str {
    match kind {
        BanKind::Address => BANS[0],
        BanKind::User => BANS[1],
    }
}

/// The kind that is asked for: if it is not said, the one that such a mask is of.
fn kind_of(said: Option<&str>, mask: &str) -> BanKind {
    let all = [BanKind::Address, BanKind::User];
    let said = said.and_then(|said| all.into_iter().find(|&kind| word(kind) == said));
    said.unwrap_or_else(|| BanKind::of(mask))
}

impl<D: Driver> Shell<D> {
    pub(super) fn ban_add(&mut self, request: &Request, peer: Credentials) -> Result<BanItem, RpcError> {
        let Request::BanAdd { mask, reason, duration, kind } = request else {
            unreachable!("only asked for that");
        };
        if reason.len() > BAN_REASON {
            let message = format!("ban.add: parameter `reason` has at most {BAN_REASON} bytes");
            return Err(RpcError::new(INVALID_PARAMS, message));
        }
        let (kind, now) = (kind_of(kind.as_deref(), mask), self.now.unix_ms);
        let ban = Ban {
            kind,
            mask: mask.clone(),
            reason: reason.clone(),
            by: format!("admin (uid {})", peer.uid),
            set_unix_ms: now,
            expires_unix_ms: duration.map(|seconds| now.saturating_add(seconds.saturating_mul(1_000))),
        };
        let set = self.server.add_ban(self.now, ban, &mut self.out);
        let (ban, _) = set.map_err(|error| explain("ban.add", &error, kind, mask))?;
        Ok(self.ban_item(BanInfo::from(&ban)))
    }

    pub(super) fn ban_del(
        &mut self,
        mask: &str,
        kind: Option<&str>,
        peer: Credentials,
    ) -> Result<BanItem, RpcError> {
        let kind = kind_of(kind, mask);
        let by = format!("admin (uid {})", peer.uid);
        let unset = self.server.remove_ban(self.now, kind, mask, &by, &mut self.out);
        let (ban, _) = unset.map_err(|error| explain("ban.del", &error, kind, mask))?;
        Ok(self.ban_item(BanInfo::from(&ban)))
    }

    pub(super) fn ban_list(&mut self, mask: Option<&str>, limit: usize, after: u64) -> Json {
        let mut page = PageWriter::new(limit);
        let mut from = after;
        for scanned in 0..ADMIN_SCAN {
            let Some((place, ban)) = self.server.ban_from(from) else {
                self.scanned += scanned;
                return page.finish(None);
            };
            if page.is_full() {
                self.scanned += scanned;
                return page.finish(Some(place));
            }
            if mask.is_none_or(|mask| matches(mask, &ban.mask)) {
                page.push(&self.ban_item(ban));
            }
            from = place.saturating_add(1);
        }
        self.scanned += ADMIN_SCAN;
        page.finish(Some(from))
    }

    fn ban_item(&self, ban: BanInfo) -> BanItem {
        let now = self.now.unix_ms;
        let (by, set_unix_ms) = ban.set.unzip();
        BanItem {
            kind: word(ban.kind).to_owned(),
            mask: ban.mask,
            reason: ban.reason,
            configured: by.is_none(),
            by,
            age_seconds: set_unix_ms.map(|at| now.saturating_sub(at) / 1_000),
            expires_seconds: ban.expires_unix_ms.map(|at| at.saturating_sub(now).div_ceil(1_000)),
        }
    }

    pub(super) fn oper_list(&mut self, limit: usize, after: u64) -> Json {
        let mut page = PageWriter::new(limit);
        let mut next = u32::try_from(after).ok();
        while let Some(oper) = next.and_then(|slot| self.server.operator_from(self.now, slot)) {
            let slot = oper.client.slot;
            if page.is_full() {
                return page.finish(Some(slot.into()));
            }
            self.scanned += 1;
            page.push(&OperItem {
                id: oper.client.to_u64(),
                nick: oper.nick,
                user: oper.user,
                host: oper.host,
                name: oper.name,
                class: oper.class,
                age_seconds: oper.since_ms / 1_000,
                idle_seconds: oper.idle_ms / 1_000,
            });
            next = slot.checked_add(1);
        }
        page.finish(None)
    }
}

fn explain(method: &str, error: &BanError, kind: BanKind, mask: &str) -> RpcError {
    let name = kind.name();
    let (code, message) = match error {
        BanError::Invalid(why) => (INVALID_PARAMS, format!("{method}: parameter `mask` of a {name} {why}")),
        BanError::TooWide => (
            INVALID_PARAMS,
            format!(
                "{method}: parameter `mask` would ban too many; name more of the host or a smaller network"
            ),
        ),
        BanError::Full => (
            INVALID_PARAMS,
            format!("there are {SERVER_BANS} bans, and no more may be; `chatctl ban del` makes room"),
        ),
        BanError::Missing => {
            (NOT_FOUND, format!("there is no {name} of {mask}; `chatctl ban list` shows all"))
        }
        BanError::Configured => (
            INVALID_PARAMS,
            format!(
                "the {name} of {mask} is of the configuration; take it out there, and then `chatctl reload`"
            ),
        ),
    };
    RpcError::new(code, message)
}
