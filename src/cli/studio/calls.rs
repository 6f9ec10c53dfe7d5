//! From a request to calls of `impasto stylize`: one with the studio's files, which is painted, and one with the files as
//! their user calls them, which is remembered and can be typed.

use super::{
    hub::Hub,
    options::{call, parsed, with},
};
use crate::cli::{CliError, console::Console, stylize};
use impasto::studio::{PictureId, Request, RequestError, Work, typed};
use std::ffi::OsString;

/// What a work is called on the machine and by its user.
pub(super) struct Calls {
    /// With files as they are in the studio's directory.
    pub real: Vec<OsString>,
    /// With files as the user calls them.
    pub shown: Vec<OsString>,
}

/// The calls of a request.
fn shown_call(hub: &Hub, request: &Request) -> Result<Vec<OsString>, RequestError> {
    let named = |id: &PictureId| hub.picture(id).map_or("unknown".into(), |picture| picture.name.into());
    Ok(on_machine(hub, call(request, named)?))
}

/// A call with the options of the machine: those of the request come later, and count.
fn on_machine(hub: &Hub, mut call: Vec<OsString>) -> Vec<OsString> {
    call.splice(2..2, hub.machine.iter().map(OsString::from));
    call
}

/// What one would type for a request.
pub(super) fn command_line(hub: &Hub, request: &Request) -> Result<String, RequestError> {
    let name = result_name(hub, request);
    Ok(typed(&with(shown_call(hub, request)?, [format!("--output={name}")])))
}

/// What the result is called where it is saved: photograph and first painting.
pub(super) fn result_name(hub: &Hub, request: &Request) -> String {
    request.result_name(|id| Some(hub.picture(id).ok()?.name))
}

/// The options that a request stands for, checked as the painter would.
pub(super) fn check(hub: &Hub, request: &Request) -> Result<stylize::Arguments, CliError> {
    let call = call(request, |id| hub.store.original(id).into())?;
    let arguments = parsed(&call)?;
    let quiet = Console::collecting();
    arguments.masks.check(&arguments.look.paintings, request.paintings.len())?;
    arguments.recipe(1, &quiet)?.check()?;
    Ok(arguments)
}

/// The calls of a work.
pub(super) fn calls(hub: &Hub, work: &Work) -> Result<Calls, CliError> {
    let mut real = on_machine(hub, call(&work.request, |id| hub.store.original(id).into())?);
    let mut further = Vec::new();
    if let Some(iterations) = work.further {
        let long = work.width.zip(work.height).map_or(0, |(width, height)| width.max(height));
        further.extend([
            format!("--size={long}"),
            format!("--min-scale={long}"),
            format!("--first-iterations={iterations}"),
        ]);
    }
    let shown = with(shown_call(hub, &work.request)?, further.clone());
    real = with(real, further);
    if work.further.is_some() {
        let mut init = OsString::from("--init=");
        init.push(hub.store.base(work.id));
        real.push(init);
    }
    let mut output = OsString::from("--output=");
    output.push(hub.store.result(work.id));
    real.push(output);
    Ok(Calls { real, shown })
}
