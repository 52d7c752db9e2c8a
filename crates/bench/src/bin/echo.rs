//! The peer of RunTask: a bare axum server that reads a request and answers with
//! bytes it has ready. Nothing that serves HTTP here can be much faster.

use std::path::PathBuf;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use bench::answer;
use clap::Parser;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Arguments {
    /// The file with the body of every answer
    #[arg(long)]
    body: PathBuf,
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let body = Bytes::from(std::fs::read(&arguments.body)?);
    let reply = move |_: Bytes| {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/x-amz-json-1.1")], body) }
    };
    let listener = TcpListener::bind(&arguments.listen).await?;
    answer::print_text(&format!("ready http://{}", listener.local_addr()?));
    // As our own server does; without it every answer might wait for an acknowledgement.
    let listener = listener.tap_io(|stream| {
        // A connection that has ended already has no use for it.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().route("/", post(reply))).await?;
    Ok(())
}
