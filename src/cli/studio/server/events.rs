//! `/api/events`: what happens, as server-sent events. A page that is told everything first, and again where it was too
//! slow, never has an old picture of the studio for long.

use super::{
    App,
    reply::{Answer, Refusal},
};
use crate::cli::studio::hub::Told;
use axum::{
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream::unfold;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Pages that are told at the same time.
const MOST_PAGES: usize = 64;

/// A page that is gone is found out by this, sooner or later.
const ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn events(State(app): State<App>) -> Answer {
    let Ok(place) = app.pages.clone().try_acquire_owned() else {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{MOST_PAGES} pages are open already: close some of them"),
        ));
    };
    // Before the state is asked for, so that nothing falls between.
    let told = app.hub.listen();
    let stream = unfold((app, told, true, place), |(app, mut told, first, place)| async move {
        let event = if first { whole(&app) } else { next(&app, &mut told).await? };
        Some((Ok::<_, Infallible>(event), (app, told, false, place)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// As many places as there may be pages.
pub(super) fn places() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(MOST_PAGES))
}

fn whole(app: &App) -> Event {
    Event::default().event("state").data(app.hub.state())
}

async fn next(app: &App, told: &mut Receiver<Arc<Told>>) -> Option<Event> {
    match told.recv().await {
        Ok(told) => Some(Event::default().event(told.event).data(&told.data)),
        Err(RecvError::Lagged(_)) => Some(whole(app)),
        Err(RecvError::Closed) => None,
    }
}
