//! The life of a task as its host lives it: scripts with snapshots, and every order in
//! which the events of two containers can come.

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod language;
#[cfg(test)]
mod random;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod world;
