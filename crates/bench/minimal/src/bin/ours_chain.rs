//! RunTask with our client and the credential chain of aws-config, as little as a program can do.

use longshore_client::{Client, Config};
use model::shapes::RunTaskInput;

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(|name| std::env::var(name).ok())?.build()?;
    let input = RunTaskInput {
        task_definition: Some("demo".into()),
        ..Default::default()
    };
    let started = Client::new(config).run_task(input).await?;
    println!("{}", started.tasks.as_deref().unwrap_or_default().len());
    Ok(())
}
