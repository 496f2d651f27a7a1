//! Server operators: who they are, what they may do, and what becomes of them when the configuration changes.

use super::commands::set_user_modes;
use super::ctx::Ctx;
use super::{Event, Server, policy};
use crate::config::{Config, Oper, OperClass, Privileges};
use crate::outbox::Outbox;
use crate::proto::modes::{OPERATOR, SERVER_NOTICES};
use crate::proto::numeric;

/// What makes a user a server operator.
pub(super) struct Operator {
    /// The name of their `[[oper]]`.
    pub(super) name: Box<str>,
    /// The hash of the password that they gave.
    password: Box<str>,
    /// The name of their `[[oper_class]]`.
    pub(super) class: Box<str>,
    /// What WHOIS says of them.
    pub(super) title: Box<str>,
    /// What they may do.
    pub(super) privileges: Privileges,
    /// The notices of the server that they get: bits in the order of [`super::notices::TABLE`].
    pub(super) notices: u16,
    /// Since when they are one, in [`super::Time::mono_ms`].
    pub(super) since_ms: u64,
}

/// The class of an operator of the configuration, in which it must be.
fn class_of<'a>(config: &'a Config, oper: &Oper) -> Option<&'a OperClass> {
    config.oper_class.iter().find(|class| class.name == oper.class)
}

impl Operator {
    fn new(oper: &Oper, class: &OperClass, notices: u16, since_ms: u64) -> Self {
        Self {
            name: oper.name.as_str().into(),
            password: oper.password.as_str().into(),
            class: class.name.as_str().into(),
            title: class.title.as_str().into(),
            privileges: class.privileges,
            notices,
            since_ms,
        }
    }

    fn is_of(&self, class: &OperClass) -> bool {
        (&*self.class, &*self.title, self.privileges) == (&*class.name, &*class.title, class.privileges)
    }
}

impl Server {
    /// What makes the one in `slot` a server operator, if they are one.
    pub(super) fn operator(&self, slot: u32) -> Option<&Operator> {
        self.user(slot)?.extras.as_ref()?.operator.as_ref()
    }

    /// What the one in `slot` may do beyond what everybody may.
    pub(super) fn privileges(&self, slot: u32) -> Privileges {
        self.operator(slot).map_or(Privileges::NONE, |operator| operator.privileges)
    }

    /// Holds every operator against the configuration, which has changed: they have what it says now.
    pub(super) fn review_operators(&mut self, out: &mut Outbox) {
        for me in self.operators.iter().copied().collect::<Vec<_>>() {
            Ctx { server: self, out, me }.review_operator();
        }
    }
}

impl Ctx<'_> {
    /// Makes the client the operator of that name, who has shown to be one, if there still is one of that name.
    pub(super) fn become_operator(&mut self, name: &str) {
        let config = self.config();
        let Some(oper) = config.oper.iter().find(|oper| oper.name == name) else { return };
        let Some(class) = class_of(&config, oper) else { return };
        let notices = self.server.operator(self.me).map_or(0, |before| before.notices);
        let now = self.server.now.mono_ms;
        self.user_mut().extras_mut().operator = Some(Operator::new(oper, class, notices, now));
        self.reply(numeric::rpl_youreoper());
        self.keep_notices_allowed();
        let modes = self.user().modes;
        set_user_modes(self, modes | OPERATOR);
        let (client, mask) = (self.client().id, self.mask().to_string());
        self.event(Event::Oper { client, mask, name: name.to_owned(), class: class.name.clone() });
    }

    /// Takes from the client all that it has as an operator, after mode `o` has gone.
    pub(super) fn forget_operator(&mut self) {
        let Some(operator) = self.user_mut().extras_mut().operator.take() else { return };
        let (client, mask) = (self.client().id, self.mask().to_string());
        self.event(Event::NoOperator { client, mask, name: operator.name.into() });
    }

    /// Notes for log and notices what the client does as an operator.
    pub(super) fn acted(&mut self, what: String) {
        let (client, mask) = (self.client().id, self.mask().to_string());
        self.event(Event::Acted { client, mask, what });
    }

    /// Tells others of what the client does, if that overrides something. To be called when nothing else is in the way:
    /// what is refused after all is nobody's business.
    pub(super) fn overrides(&mut self, overridden: bool, what: impl FnOnce(&Self) -> String) {
        if overridden {
            let what = format!("override: {}", what(self));
            self.acted(what);
        }
    }

    fn review_operator(&mut self) {
        let config = self.config();
        let Some(operator) = self.server.operator(self.me) else { return };
        // Another password, place or transport that is asked for is asked of those, too, who are operators already.
        let still = |oper: &&Oper| {
            *oper.name == *operator.name
                && *oper.password.as_str() == *operator.password
                && policy::may_be_operator(self, oper).is_ok()
        };
        let found = config.oper.iter().find(still);
        let Some((oper, class)) = found.and_then(|oper| Some((oper, class_of(&config, oper)?))) else {
            self.notice("*** You are no longer a server operator, as the configuration now says");
            let modes = self.user().modes;
            set_user_modes(self, modes & !OPERATOR);
            return;
        };
        if operator.is_of(class) {
            return;
        }
        let operator = Operator::new(oper, class, operator.notices, operator.since_ms);
        self.user_mut().extras_mut().operator = Some(operator);
        self.keep_notices_allowed();
        let names: Vec<_> = class.privileges.names().collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        self.notice(format_args!(
            "*** The configuration has changed: you are of the class {}, your privileges are: {names}",
            class.name
        ));
    }

    /// Mode `s` goes with its privilege.
    fn keep_notices_allowed(&mut self) {
        let modes = self.user().modes;
        if !self.server.privileges(self.me).has(Privileges::NOTICES) && modes & SERVER_NOTICES != 0 {
            set_user_modes(self, modes & !SERVER_NOTICES);
        }
    }
}
