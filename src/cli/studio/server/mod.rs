//! The server: HTTP/1 on one address, in one thread.

mod body;
mod events;
mod guard;
mod page;
mod pictures;
mod reply;
mod static_files;
mod works;

pub(super) use guard::Guard;
pub(super) use static_files::StaticFiles;

use super::hub::Hub;
use axum::{
    Router,
    extract::State,
    http::header::CONTENT_TYPE,
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::{get, post},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use reply::Refusal;
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at the same time; further ones wait until one ends.
const MOST_CONNECTIONS: usize = 600;

/// How long the head of a request may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(10);

/// The most bytes of a head.
const LONGEST_HEAD: usize = 16 << 10;

/// What answers need.
#[derive(Clone)]
pub(super) struct App {
    pub hub: Arc<Hub>,
    pub guard: Arc<Guard>,
    /// The places of pages.
    pages: Arc<Semaphore>,
    /// The turn to read a picture.
    reading: Arc<Semaphore>,
}

impl App {
    pub fn new(hub: Arc<Hub>, guard: Guard) -> App {
        App { hub, guard: Arc::new(guard), pages: events::places(), reading: Arc::new(Semaphore::new(1)) }
    }
}

async fn state(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], app.hub.state())
}

/// Everything that the studio answers.
pub(super) fn studio(app: App) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::named))
        .route("/openapi.json", get(page::openapi))
        .route("/api/state", get(state))
        .route("/api/events", get(events::events))
        .route("/api/options", get(works::offered))
        .route("/api/pictures", post(pictures::add))
        .route("/api/pictures/{id}", axum::routing::delete(pictures::remove))
        .route("/api/pictures/{id}/view", get(pictures::view))
        .route("/api/works", post(works::add))
        .route("/api/works/{id}", get(works::show).delete(works::remove))
        .route("/api/works/{id}/pause", post(works::pause))
        .route("/api/works/{id}/resume", post(works::resume))
        .route("/api/works/{id}/stop", post(works::stop))
        .route("/api/works/{id}/further", post(works::further))
        .route("/api/works/{id}/larger", post(works::larger))
        .route("/api/works/{id}/change", post(works::change))
        .route("/api/works/{id}/restore", post(works::restore))
        .route("/api/works/{id}/pictures/{number}", get(works::on_the_way))
        .route("/api/works/{id}/result", get(works::result))
        .fallback(|| async { Refusal::not_found() })
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

/// Answers until `closing` is done.
pub(super) async fn serve(listener: TcpListener, router: Router, closing: impl Future<Output = ()>) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accept = async {
        loop {
            let Ok(place) = connections.clone().acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // Too many files are open, or the other side has gone: others may still come.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Small answers go out at once.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LONGEST_HEAD);
                // What goes wrong on a connection ends it, and nothing else.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = closing => {}
    }
    Ok(())
}
