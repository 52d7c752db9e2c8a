//! What is stored: one type per kind of thing that has a life or an invariant.

pub mod account_setting;
pub mod capacity_provider;
pub mod cluster;
pub mod definition;
pub mod instance;
pub mod placement;
pub mod task;
pub mod token;

pub use account_setting::AccountSetting;
pub use capacity_provider::CapacityProvider;
pub use cluster::Cluster;
pub use definition::{Definition, DefinitionKey, Family};
pub use instance::Instance;
pub use placement::Placement;
pub use task::Task;
pub use token::Token;
