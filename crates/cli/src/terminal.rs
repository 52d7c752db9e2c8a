//! Where a command reads and writes, and what that place can show.

use std::fmt::Display;
use std::io::{self, IsTerminal, Read, Write};

use anstyle::Style;

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the variable `NO_COLOR` is set
    #[default]
    Auto,
    /// Also into pipes and files
    Always,
    /// Not at all
    Never,
}

/// The streams of a command. Tests replace them by buffers.
pub struct Terminal {
    /// Read for `-`.
    pub input: Box<dyn Read + Send>,
    /// What was asked for.
    pub out: Box<dyn Write + Send>,
    /// What is said about it.
    pub err: Box<dyn Write + Send>,
    /// Colours on stdout.
    pub out_color: bool,
    /// Colours on stderr.
    pub err_color: bool,
    /// Whether stderr is a terminal that status lines can be redrawn on.
    pub live: bool,
    /// Columns of stdout; `None` does not wrap.
    pub width: Option<u16>,
    /// Nobody reads stdout any more.
    out_closed: bool,
}

impl Terminal {
    /// The streams of the process. Variables are read through `lookup`.
    pub fn stdio(choice: ColorChoice, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let no_color = lookup("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = lookup("TERM").is_some_and(|term| term == "dumb");
        let color = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !no_color && !is_dumb,
        };
        let columns = console::Term::stdout().size_checked();
        Self {
            out_color: color(out.is_terminal()),
            err_color: color(err.is_terminal()),
            live: err.is_terminal() && !is_dumb,
            width: columns.map(|(_, columns)| columns),
            ..Self::new(io::stdin(), out, err)
        }
    }

    /// Plain streams: no colours, no redrawing, no wrapping.
    pub fn new(
        input: impl Read + Send + 'static,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self {
            input: Box::new(input),
            out: Box::new(out),
            err: Box::new(err),
            out_color: false,
            err_color: false,
            live: false,
            width: None,
            out_closed: false,
        }
    }

    /// One line for stdout. When nobody reads it any more the rest is dropped: a task is
    /// not given up because its output was piped into `head`.
    pub(crate) fn line(&mut self, text: impl Display) {
        if !self.out_closed {
            self.out_closed = writeln!(self.out, "{text}").is_err();
        }
    }

    /// Hands everything on.
    pub(crate) fn flush(&mut self) {
        self.out_closed |= self.out.flush().is_err();
    }

    /// One line for stderr. There is nowhere to report a failure of it to.
    pub(crate) fn say(&mut self, text: impl Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Says something with a coloured word before it.
    pub(crate) fn say_with(&mut self, style: Style, word: &str, text: impl Display) {
        let word = paint(self.err_color, style, word);
        self.say(format_args!("{word}: {text}"));
    }

    pub(crate) fn error(&mut self, text: impl Display) {
        self.say_with(anstyle::AnsiColor::Red.on_default().bold(), "error", text);
    }

    pub(crate) fn warning(&mut self, text: impl Display) {
        self.say_with(
            anstyle::AnsiColor::Yellow.on_default().bold(),
            "warning",
            text,
        );
    }

    pub(crate) fn note(&mut self, text: impl Display) {
        self.say_with(Style::new().bold(), "note", text);
    }
}

/// A text in a style, where colours are wanted.
pub(crate) fn paint(color: bool, style: Style, text: &str) -> String {
    if color {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}
