//! Aligned tables that fit the terminal.

use std::io::{self, Write};

use super::human::{cut, printable, width};

/// Between two columns.
const GAP: &str = "  ";
/// What the last column gets at least before columns are left out for its sake.
const LAST: usize = 12;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Whether its cells stand to the right, as numbers do.
    pub right: bool,
    /// When the terminal is too narrow for all, the columns with the largest rank go first; 0 stays.
    pub rank: u8,
}

/// A column of text.
pub(super) const fn left(title: &'static str, rank: u8) -> Column {
    Column { title, right: false, rank }
}

/// A column of numbers.
pub(super) const fn right(title: &'static str, rank: u8) -> Column {
    Column { title, right: true, rank }
}

/// A table that is printed page by page: nothing of a page is kept but its widths.
#[derive(Debug)]
pub(super) struct Table {
    columns: &'static [Column],
    /// The width so far of each column: it never shrinks, so rows of later pages line up with each other.
    widths: Vec<usize>,
    /// Which columns are shown; decided with the first page.
    shown: Option<Vec<usize>>,
    /// Columns of the terminal; `None` when stdout is none, and then nothing is cut.
    terminal: Option<usize>,
}

impl Table {
    /// An empty table.
    pub(super) fn new(columns: &'static [Column], terminal: Option<usize>) -> Self {
        let widths = columns.iter().map(|column| width(column.title)).collect();
        Self { columns, widths, shown: None, terminal }
    }

    /// Prints some rows, with the headings before the first ones. Cells may hold anything.
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn print(&mut self, out: &mut dyn Write, rows: &[Vec<String>]) -> io::Result<()> {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        for row in &rows {
            debug_assert_eq!(row.len(), self.columns.len());
            for (known, cell) in self.widths.iter_mut().zip(row) {
                *known = width(cell).max(*known);
            }
        }
        let shown = match self.shown.take() {
            Some(shown) => shown,
            None if rows.is_empty() => return Ok(()),
            None => {
                let shown = self.choose();
                let titles: Vec<_> = self.columns.iter().map(|column| column.title.to_owned()).collect();
                writeln!(out, "{}", self.line(&shown, &titles))?;
                shown
            }
        };
        for row in &rows {
            writeln!(out, "{}", self.line(&shown, row))?;
        }
        self.shown = Some(shown);
        Ok(())
    }

    /// The columns that fit.
    fn choose(&self) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let Some(terminal) = self.terminal else { return shown };
        loop {
            let (last, others) = shown.split_last().expect("a table has columns that stay");
            let others: usize = others.iter().map(|&index| self.widths[index] + GAP.len()).sum();
            if others + self.widths[*last].min(LAST) <= terminal {
                return shown;
            }
            let least = shown.iter().map(|&index| self.columns[index].rank).max().unwrap_or(0);
            if least == 0 {
                return shown;
            }
            shown.retain(|&index| self.columns[index].rank != least);
        }
    }

    fn line(&self, shown: &[usize], cells: &[String]) -> String {
        let mut line = String::new();
        for (position, &index) in shown.iter().enumerate() {
            let cell = &cells[index];
            let pad = " ".repeat(self.widths[index].saturating_sub(width(cell)));
            if position > 0 {
                line.push_str(GAP);
            }
            if self.columns[index].right {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
        }
        let line = line.trim_end();
        self.terminal.map_or_else(|| line.to_owned(), |terminal| cut(line, terminal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[left("NAME", 0), right("SIZE", 1), left("NOTE", 2), left("TOPIC", 0)];

    fn rows(rows: &[[&str; 4]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    fn printed(terminal: Option<usize>, pages: &[&[[&str; 4]]]) -> String {
        let mut table = Table::new(COLUMNS, terminal);
        let mut out = Vec::new();
        for page in pages {
            table.print(&mut out, &rows(page)).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    const PAGE: &[[&str; 4]] =
        &[["#日本", "7", "n", "a topic that is long"], ["#rust-beginners", "12,345", "", ""]];

    #[test]
    fn columns_line_up_and_nothing_is_cut_where_there_is_no_terminal() {
        assert_eq!(
            printed(None, &[PAGE]),
            "NAME               SIZE  NOTE  TOPIC\n\
             #日本                 7  n     a topic that is long\n\
             #rust-beginners  12,345\n"
        );
        assert_eq!(printed(None, &[&[], &[]]), "");
    }

    #[test]
    fn a_narrow_terminal_loses_columns_by_rank_and_then_the_end_of_the_last() {
        assert_eq!(
            printed(Some(44), &[PAGE]),
            "NAME               SIZE  NOTE  TOPIC\n\
             #日本                 7  n     a topic that…\n\
             #rust-beginners  12,345\n"
        );
        assert_eq!(
            printed(Some(38), &[PAGE]),
            "NAME               SIZE  TOPIC\n\
             #日本                 7  a topic that…\n\
             #rust-beginners  12,345\n"
        );
        assert_eq!(
            printed(Some(20), &[PAGE]),
            "NAME             TO…\n\
             #日本            a …\n\
             #rust-beginners\n"
        );
    }

    #[test]
    fn later_pages_keep_the_columns_and_grow_the_widths() {
        assert_eq!(
            printed(None, &[&[["#a", "1", "x", "t"]], &[["#longer", "2", "y", "u"], ["#b", "3", "z", "v"]]]),
            "NAME  SIZE  NOTE  TOPIC\n\
             #a       1  x     t\n\
             #longer     2  y     u\n\
             #b          3  z     v\n"
        );
    }

    #[test]
    fn a_cell_cannot_break_the_table() {
        let text = printed(None, &[&[["#a\n#b", "1", "\x1b[31m", "\t"]]]);
        assert_eq!(text, "NAME      SIZE  NOTE      TOPIC\n#a\\x0a#b     1  \\x1b[31m  \\x09\n");
    }
}
