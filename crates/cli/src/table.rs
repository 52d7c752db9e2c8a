//! Tables: aligned columns without lines, so that `awk` and people can read them.

use comfy_table::{ContentArrangement, Table, presets};

use crate::terminal::Terminal;

/// A table with these headings. It wraps only on a terminal.
pub(crate) fn new(terminal: &Terminal, headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(headings.to_vec());
    if let Some(width) = terminal.width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table
}

/// Prints it flush left, without blanks at the ends of lines.
pub(crate) fn print(terminal: &mut Terminal, mut table: Table) {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    for line in table.lines() {
        terminal.line(line.trim_end());
    }
    terminal.flush();
}

/// A cell for something that may be missing.
pub(crate) fn or_dash(text: impl Into<String>) -> String {
    let text = text.into();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
