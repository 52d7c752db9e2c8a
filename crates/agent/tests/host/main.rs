//! A host with scripted containers and a control plane in memory, on paused time.

#[cfg(test)]
mod clock;
#[cfg(test)]
mod plane;
#[cfg(test)]
mod references;
#[cfg(test)]
mod tasks;
