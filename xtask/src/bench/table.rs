//! The table of findings, in Markdown, as `docs/PERFORMANCE.md` shows it.

use crate::say;

/// One finding next to its goal.
struct Row {
    figure: String,
    measured: String,
    beside: String,
    goal: String,
    verdict: String,
}

/// Findings in the order in which they were made.
#[derive(Default)]
pub(super) struct Table(Vec<Row>);

/// What a figure has to reach.
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// It is told for comparison only.
    None,
}

impl Table {
    /// `value` is what the goal is about, a ratio or the figure itself, in `text`'s unit.
    pub(super) fn add(
        &mut self,
        figure: impl Into<String>,
        measured: String,
        beside: impl Into<String>,
        (value, unit): (f64, &str),
        goal: Goal,
    ) {
        let row = Row {
            figure: figure.into(),
            measured,
            beside: beside.into(),
            goal: goal.text(unit),
            verdict: goal.verdict(value, unit),
        };
        say(&format!("{}: {} {}", row.figure, row.measured, row.verdict));
        self.0.push(row);
    }

    pub(super) fn print(&self) {
        let mut text =
            "\n| Figure | Measured | Beside | Goal | Result |\n|---|---|---|---|---|\n".to_owned();
        for row in &self.0 {
            let Row {
                figure,
                measured,
                beside,
                goal,
                verdict,
            } = row;
            text += &format!("| {figure} | {measured} | {beside} | {goal} | {verdict} |\n");
        }
        tell(text.trim_end());
    }
}

impl Goal {
    fn text(&self, unit: &str) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {}", number(*least, unit)),
            Self::AtMost(most) => format!("at most {}", number(*most, unit)),
            Self::None => "–".to_owned(),
        }
    }

    fn verdict(&self, value: f64, unit: &str) -> String {
        let is_reached = match self {
            Self::AtLeast(least) => value >= *least,
            Self::AtMost(most) => value <= *most,
            Self::None => return number(value, unit),
        };
        let value = number(value, unit);
        if is_reached {
            format!("{value}, reached")
        } else {
            format!("**{value}, missed**")
        }
    }
}

fn number(value: f64, unit: &str) -> String {
    let digits = match value {
        _ if value >= 1000.0 => super::figures::whole(value),
        _ if value >= 20.0 => format!("{value:.0}"),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ if value >= 3.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match unit {
        "" => digits,
        "×" => format!("{digits} ×"),
        _ => format!("{digits} {unit}"),
    }
}

#[expect(clippy::print_stdout, reason = "the result of the task")]
fn tell(text: &str) {
    println!("{text}");
}
