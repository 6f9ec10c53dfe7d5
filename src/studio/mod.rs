//! What the studio's page sees of pictures and works, wherever the engine is that paints them: behind a server on the same
//! machine, or in the page itself.

mod call;
mod intake;
mod names;
mod work;

pub use call::{Given, RequestError, call, refusal, spelled, typed};
pub use intake::{Drawn, Seen, demonstration, look_at};
pub use names::{NoPictureId, PictureId, WorkId, shown_name, stem};
pub use work::{Painting, Picture, Request, Role, Scale, State, Work, check_further};

use std::time::Duration;

/// Pictures on the way are shown no more often than this: nobody would see it.
pub const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Checkpoints are kept no more often than this, which is what is lost at most where none was kept.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(20);
