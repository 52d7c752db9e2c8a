//! What is seen while tasks are followed: their output on stdout, their states on stderr.
//! On a terminal each task has one status line that is redrawn, else a line per change.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use client::LogLine;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::shapes::{HealthStatus, Task};

use crate::task_name;
use crate::terminal::{Terminal, paint};

/// Colours of containers, in their order in the definition.
const COLORS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::BrightRed,
];

/// The last state of a task.
const STOPPED: &str = "stopped";

/// Between two redrawings of the clock on a status line.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Screen {
    terminal: Terminal,
    live: Option<MultiProgress>,
    /// Whether states are told at all.
    states: bool,
    tasks: Vec<Shown>,
    labels: Vec<Label>,
}

/// What is shown of a task.
struct Shown {
    name: String,
    state: String,
    bar: Option<ProgressBar>,
}

/// What stands before the lines of a container.
struct Label {
    name: String,
    style: Style,
}

impl Screen {
    /// For output and states.
    pub(crate) fn new(terminal: Terminal, tasks: &[Task], containers: &[&str]) -> Self {
        let mut screen = Self::of(terminal, tasks, containers);
        for (index, task) in tasks.iter().enumerate() {
            screen.state(index, state(task));
        }
        screen
    }

    /// For output only.
    pub(crate) fn without_states(
        mut terminal: Terminal,
        tasks: &[Task],
        containers: &[&str],
    ) -> Self {
        terminal.live = false;
        let mut screen = Self::of(terminal, tasks, containers);
        screen.states = false;
        screen
    }

    fn of(terminal: Terminal, tasks: &[Task], containers: &[&str]) -> Self {
        let target = ProgressDrawTarget::stderr();
        let live = terminal
            .live
            .then(|| MultiProgress::with_draw_target(target));
        let shown = |task: &Task| Shown {
            name: task_name::short(task_name::id(task)).to_owned(),
            state: String::new(),
            bar: live.as_ref().map(|live| live.add(bar())),
        };
        let label = |(index, name): (usize, &&str)| Label {
            name: (*name).to_owned(),
            style: COLORS[index % COLORS.len()].on_default(),
        };
        Self {
            tasks: tasks.iter().map(shown).collect(),
            labels: containers.iter().enumerate().map(label).collect(),
            live,
            states: true,
            terminal,
        }
    }

    /// Shows the state of a task if it is news.
    pub(crate) fn state(&mut self, task: usize, state: String) {
        let Some(shown) = self.tasks.get_mut(task) else {
            return;
        };
        if !self.states || shown.state == state {
            return;
        }
        match &shown.bar {
            Some(bar) => bar.set_message(format!("{} {state}", shown.name)),
            // The summary says it, and more.
            None if state == STOPPED => {}
            None => self
                .terminal
                .say(format_args!("task {}: {state}", shown.name)),
        }
        shown.state = state;
    }

    /// Prints lines of containers.
    pub(crate) fn lines(&mut self, lines: &[LogLine]) {
        if lines.is_empty() {
            return;
        }
        let prefixes: Vec<_> = lines.iter().map(|line| self.prefix(line)).collect();
        self.with_terminal(|terminal| {
            for (line, prefix) in lines.iter().zip(prefixes) {
                let message = line.message.strip_suffix('\n').unwrap_or(&line.message);
                terminal.line(format_args!("{prefix}{message}"));
            }
            terminal.flush();
        });
    }

    /// Nothing for the only container of the only task.
    fn prefix(&self, line: &LogLine) -> String {
        let task = self.tasks.get(line.task).filter(|_| self.tasks.len() > 1);
        let label = self
            .labels
            .get(line.container)
            .filter(|_| self.labels.len() > 1);
        let name = match (task, label) {
            (None, None) => return String::new(),
            (Some(task), None) => task.name.clone(),
            (None, Some(label)) => label.name.clone(),
            (Some(task), Some(label)) => format!("{}/{}", task.name, label.name),
        };
        let style = label.map_or(Style::new(), |label| label.style);
        paint(self.terminal.out_color, style, &format!("{name} |")) + " "
    }

    /// Writes past the status lines.
    pub(crate) fn with_terminal<T>(&mut self, write: impl FnOnce(&mut Terminal) -> T) -> T {
        match &self.live {
            Some(live) => {
                let live = live.clone();
                live.suspend(|| write(&mut self.terminal))
            }
            None => write(&mut self.terminal),
        }
    }

    /// Gives the terminal back.
    pub(crate) fn into_terminal(mut self) -> Terminal {
        self.finish();
        self.terminal
    }

    /// Takes the status lines away.
    fn finish(&mut self) {
        for shown in &mut self.tasks {
            if let Some(bar) = shown.bar.take() {
                bar.finish_and_clear();
            }
        }
        self.live = None;
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is ours; were it wrong, the default would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// The state of a task in a word or two.
pub(crate) fn state(task: &Task) -> String {
    let status = task.last_status.as_deref().unwrap_or_default();
    let is_pulling = task.pull_started_at.is_some() && task.pull_stopped_at.is_none();
    let word = match status {
        "PENDING" if is_pulling => "pulling images".to_owned(),
        status => status.to_lowercase(),
    };
    match &task.health_status {
        Some(health @ (HealthStatus::Healthy | HealthStatus::Unhealthy)) if status == "RUNNING" => {
            format!("{word} ({})", health.as_str().to_lowercase())
        }
        _ => word,
    }
}
