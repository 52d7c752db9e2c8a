//! Names, numbers and default actions of signals, as Linux has them on every common machine.

pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGTERM: i32 = 15;

const NAMES: [(&str, i32); 14] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("KILL", SIGKILL),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", SIGTERM),
    ("CHLD", 17),
    ("CONT", 18),
    ("WINCH", 28),
];

/// Highest signal of Linux.
const SIGNAL_MAX: i32 = 64;

/// A signal by name, with or without `SIG`, or by number.
pub(crate) fn number(text: &str) -> Result<i32, String> {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let named = NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number);
    let number = named.or_else(|| text.parse().ok().filter(|n| (1..=SIGNAL_MAX).contains(n)));
    number.ok_or_else(|| format!("`{text}` is not a signal like SIGTERM"))
}

/// Does a process that does not care about this signal die of it? Stopping and going on is
/// not played, so the signals for that do nothing either.
pub(crate) fn kills(signal: i32) -> bool {
    (1..=SIGNAL_MAX).contains(&signal) && !matches!(signal, 17..=23 | 28)
}
