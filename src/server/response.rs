//! Labelled responses (IRCv3 labeled-response), and other batches that a client is sent.
//!
//! While a labelled command runs, what its sender is sent is set aside by the outbox. At the end it gets an `ACK` if that is
//! nothing, the line with the label if it is one, and a batch if there are more. A response that goes on later, because it
//! is long or waits for something, leaves its batch open.

use super::ctx::Ctx;
use crate::outbox::Span;
use crate::proto::caps::Caps;

/// Bytes of a label (IRCv3 labeled-response, "Tag value"); commands with a longer one are answered without it.
const LABEL: usize = 64;

/// A labelled response that is not finished.
pub(super) struct Response {
    /// As the client wrote it, escapes included.
    label: Box<str>,
    /// The reference of the batch that was begun.
    batch: Option<Box<str>>,
}

impl Response {
    /// The response to a command with these tags, if the client wants its label back.
    pub(super) fn wanted(c: &Ctx<'_>, label: Option<&str>) -> Option<Self> {
        let able = c.client().caps.has(Caps::LABELED_RESPONSE.with(Caps::BATCH));
        let label = label.filter(|label| able && !label.is_empty() && label.len() <= LABEL)?;
        Some(Self { label: label.into(), batch: None })
    }
}

impl Ctx<'_> {
    /// Runs `what`, and sends what it says to the client as one response.
    pub(super) fn respond(&mut self, response: Option<Response>, what: impl FnOnce(&mut Self)) {
        let Some(response) = response else { return what(self) };
        self.out.capture(self.me);
        self.server.response = Some((self.me, response));
        what(self);
        self.end_response();
    }

    /// Sends what was set aside. If the client waits for more, the rest of the response follows later.
    pub(super) fn end_response(&mut self) {
        let Some((_, mut response)) = self.server.response.take_if(|(slot, _)| *slot == self.me) else {
            return;
        };
        let spans = self.out.release(self.me);
        if !self.client().is_waiting() {
            self.finish(&response, &spans);
            return;
        }
        if !spans.is_empty() {
            self.put_in_batch(&mut response, &spans);
        }
        self.client_mut().response = Some(Box::new(response));
    }

    /// Takes the response out of the command that is running: what it says from now on is not part of it.
    pub(super) fn take_response(&mut self) -> Option<Response> {
        let (_, response) = self.server.response.take_if(|(slot, _)| *slot == self.me)?;
        for span in self.out.release(self.me) {
            self.out.send(self.me, span);
        }
        Some(response)
    }

    /// Runs `what` as the answer to an earlier command, whose response was taken. Without one, it answers this command.
    pub(super) fn respond_late(&mut self, response: Option<Response>, what: impl FnOnce(&mut Self)) {
        if response.is_none() {
            return what(self);
        }
        let own = self.take_response();
        self.respond(response, what);
        // This command may go on, and whoever runs it ends its response.
        if let Some(own) = own {
            self.out.capture(self.me);
            self.server.response = Some((self.me, own));
        }
    }

    fn finish(&mut self, response: &Response, spans: &[Span]) {
        let label = format!("label={}", response.label);
        match (&response.batch, spans) {
            (Some(batch), _) => {
                self.send_in_batch(spans, batch);
                self.say(format_args!("BATCH -{batch}"));
            }
            (None, []) => {
                self.out.capture(self.me);
                self.say(format_args!("ACK"));
                let spans = self.out.release(self.me);
                self.send_tagged(&spans, &label);
            }
            (None, [_]) => self.send_tagged(spans, &label),
            (None, _) => {
                let mut begun = Response { label: response.label.clone(), batch: None };
                self.put_in_batch(&mut begun, spans);
                self.finish(&begun, &[]);
            }
        }
    }

    fn put_in_batch(&mut self, response: &mut Response, spans: &[Span]) {
        if response.batch.is_none() {
            let reference = self.batch_reference();
            self.out.capture(self.me);
            self.say(format_args!("BATCH +{reference} labeled-response"));
            let opening = self.out.release(self.me);
            self.send_tagged(&opening, &format!("label={}", response.label));
            response.batch = Some(reference.into());
        }
        if let Some(batch) = &response.batch {
            self.send_in_batch(spans, batch);
        }
    }

    fn send_tagged(&mut self, spans: &[Span], tag: &str) {
        for &span in spans {
            let span = self.out.retag(span, tag);
            self.out.send(self.me, span);
        }
    }

    fn send_in_batch(&mut self, spans: &[Span], batch: &str) {
        let tag = format!("batch={batch}");
        for &span in spans {
            let span = self.out.enclose(span, &tag);
            self.out.send(self.me, span);
        }
    }

    /// Runs `what`, and sends what it says to the client as one batch with these parameters (IRCv3 batch). A client that
    /// knows of no batches gets the lines alone.
    pub(super) fn batched(&mut self, parameters: &str, what: impl FnOnce(&mut Self)) {
        if !self.client().caps.has(Caps::BATCH) {
            return what(self);
        }
        let reference = self.batch_reference();
        self.out.capture(self.me);
        what(self);
        let lines = self.out.release(self.me);
        // Encoded in a row, so that they are one span: within a response, a batch is one message.
        self.out.capture(self.me);
        self.say(format_args!("BATCH +{reference} {parameters}"));
        let mut spans = self.out.release(self.me);
        let tag = format!("batch={reference}");
        spans.extend(lines.into_iter().map(|line| self.out.enclose(line, &tag)));
        self.out.capture(self.me);
        self.say(format_args!("BATCH -{reference}"));
        spans.extend(self.out.release(self.me));
        if let Some(whole) = self.out.join(&spans) {
            self.out.send(self.me, whole);
        }
    }

    /// A reference that no other batch has.
    pub(super) fn batch_reference(&mut self) -> String {
        self.server.batches += 1;
        format!("b{:x}", self.server.batches)
    }
}
