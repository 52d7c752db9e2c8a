//! The scripted driver from outside: the promises of every driver, and its own.

#[cfg(test)]
mod clock;
#[cfg(test)]
mod scripts;
