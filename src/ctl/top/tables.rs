//! The busiest, as rows of cells that are as wide as they seem.

use super::state::Sample;
use crate::admin::{BusyChannel, BusyClient};
use crate::ctl::busiest::{Active, rate};
use crate::ctl::human::{count, cut, printable, size, width};

/// The text in exactly so many columns: cut, or with spaces before or behind it.
pub(super) fn fit(text: &str, columns: usize, right: bool) -> String {
    let text = cut(text, columns);
    let pad = " ".repeat(columns.saturating_sub(width(&text)));
    if right { pad + &text } else { text + &pad }
}

/// Columns of a table: how wide each is, and whether it stands to the right. Between two there is a space.
type Widths<const N: usize> = [(usize, bool); N];

fn row<const N: usize>(cells: &[String; N], widths: &Widths<N>) -> String {
    let shown = cells.iter().zip(widths).filter(|(_, (columns, _))| *columns > 0);
    let cells: Vec<_> = shown.map(|(cell, (columns, right))| fit(cell, *columns, *right)).collect();
    cells.join(" ")
}

/// What is left of `columns` for the first of the columns of a table.
fn first(columns: usize, others: &[usize]) -> usize {
    let taken: usize = others.iter().filter(|width| **width > 0).map(|width| width + 1).sum();
    columns.saturating_sub(taken)
}

/// The heading and the rows of the busiest channels.
pub(super) fn channels(sample: &Sample, columns: usize) -> (String, Vec<String>) {
    let name = first(columns, &[7, 9]);
    let widths = [(name, false), (7, true), (9, true)];
    let heading = row(&["CHANNEL", "MEMBERS", "MSGS/S"].map(str::to_owned), &widths);
    let cells = |active: &Active<BusyChannel>| {
        row(&[printable(&active.item.name), count(active.item.members), rate(active.tenths)], &widths)
    };
    (heading, sample.channels.iter().map(cells).collect())
}

/// The heading and the rows of the busiest clients.
pub(super) fn clients(sample: &Sample, columns: usize) -> (String, Vec<String>) {
    // What is less important goes where there is no room for it.
    let address = if columns >= 60 { 15.max(columns / 4) } else { 0 };
    let id = if columns >= 80 { 20 } else { 0 };
    let nick = first(columns, &[address, 9, 9, id]);
    let widths = [(nick, false), (address, false), (9, true), (9, true), (id, true)];
    let heading = row(&["NICK", "ADDRESS", "MSGS/S", "QUEUE", "ID"].map(str::to_owned), &widths);
    let cells = |active: &Active<BusyClient>| {
        let client = &active.item;
        let name = match &client.nick {
            Some(nick) => printable(nick),
            None => format!("({})", printable(&client.address)),
        };
        let queue = client.send_queue_bytes.saturating_add(client.kernel_queue_bytes);
        let cells =
            [name, printable(&client.address), rate(active.tenths), size(queue), client.id.to_string()];
        row(&cells, &widths)
    };
    (heading, sample.clients.iter().map(cells).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_wide_as_their_columns_whatever_is_in_them() {
        for text in ["", "a", "日本語日本語", "é", "a\u{301}b", "🦀🦀🦀🦀🦀", "a long text"]
        {
            for columns in 0..12 {
                for right in [false, true] {
                    assert_eq!(width(&fit(text, columns, right)), columns, "{text} in {columns}");
                }
            }
        }
        assert_eq!((fit("日本", 6, true), fit("日本", 3, false)), ("  日本".into(), "日…".into()));
    }
}
