//! Tests of the image store. They make devices and owners, so they need root; they reach
//! nothing but loopback and their own folders.

mod archives;
mod folders;
mod identity;
mod load;
mod pull;
mod server;
mod store;
mod unpack;
