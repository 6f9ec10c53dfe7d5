//! What a page tells of a browser and its GPU: every kernel against the reference, the time of an iteration, and every shader
//! as text for the browser's own compiler.

use crate::{Computer, told};
use impasto::{
    BackendError, Device, Engine, Session,
    gpu::{Gpu, SHADERS, trials},
    picture::Picture,
    plan::Size,
    style::{Event, Inputs, Method, Painting, Recipe, Status},
    validate::{Case, Expected, Running, all_cases},
    vgg19::Layer,
    weights::generated,
};
use serde_json::json;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Every shader that a browser may get, as JSON: `name` and `source`.
#[wasm_bindgen]
pub fn shaders() -> String {
    let may_get = SHADERS.iter().filter(|shader| !shader.is_cooperative());
    let texts = may_get.flat_map(|shader| {
        shader.precisions().iter().map(|&precision| {
            json!({ "name": shader.name, "precision": precision.name(), "source": shader.source(precision) })
        })
    });
    json!(texts.collect::<Vec<_>>()).to_string()
}

/// A case on its way through the device.
struct Underway {
    session: Box<dyn Session>,
    running: Running,
    expected: Expected,
    variant: Option<&'static str>,
}

/// Every kernel against the reference, case by case.
#[wasm_bindgen]
pub struct Validation {
    gpu: Arc<Gpu>,
    cases: Vec<Case>,
    /// The present case and the present of its kernels.
    at: (usize, usize),
    underway: Option<Underway>,
}

#[wasm_bindgen]
impl Validation {
    /// Of one in so many of the cases whose names have `only` in them; nothing for a worker without a GPU.
    pub fn of(computer: &Computer, one_in: usize, only: &str) -> Option<Validation> {
        let Device::Gpu(gpu) = &computer.0 else { return None };
        let named = all_cases(gpu.has_f16()).into_iter().filter(|case| case.name.contains(only));
        let cases = named.step_by(one_in.max(1)).collect();
        Some(Validation { gpu: gpu.clone(), cases, at: (0, 0), underway: None })
    }

    /// How many cases there are; each is run by one kernel or more.
    pub fn count(&self) -> usize {
        self.cases.len()
    }

    /// Does a piece of work. As JSON `{"pending": true}` if the device has not answered yet, or a result; nothing once all
    /// is done.
    ///
    /// # Errors
    /// If the device fails.
    pub fn step(&mut self) -> Result<Option<String>, JsError> {
        let answer = self.piece().map_err(told)?;
        Ok(answer.map(|answer| answer.to_string()))
    }

    fn piece(&mut self) -> Result<Option<serde_json::Value>, BackendError> {
        let pending = json!({ "pending": true });
        loop {
            let Some(case) = self.cases.get(self.at.0) else { return Ok(None) };
            if let Some(Underway { session, running, expected, variant }) = &mut self.underway {
                let Some(found) = running.receive(case, session.as_mut(), false)? else { return Ok(Some(pending)) };
                let outcome = expected.judge(case, &found);
                let told = json!({
                    "number": self.at.0 + 1,
                    "operation": outcome.operation,
                    "variant": variant,
                    "passed": outcome.passed(),
                    "error": outcome.error,
                    "tolerance": outcome.tolerance,
                    "line": outcome.to_string(),
                });
                self.underway = None;
                self.at.1 += 1;
                return Ok(Some(told));
            }
            let all = trials(&self.gpu, case);
            let Some(trial) = all.get(self.at.1) else {
                self.at = (self.at.0 + 1, 0);
                continue;
            };
            let mut session = Box::new(trial.session(&self.gpu)?);
            let running = Running::start(case, session.as_mut())?;
            let variant = trial.choice().variant().map(|variant| variant.name());
            self.underway = Some(Underway { session, running, expected: Expected::of(case)?, variant });
            return Ok(Some(pending));
        }
    }
}

/// Iterations whose time counts; as many come before, to warm up.
const TIMED: u32 = 4;

/// The time of an iteration, with filters of VGG19's shape.
#[wasm_bindgen]
pub struct Bench {
    painting: Painting,
    /// Seconds after each iteration.
    seconds: Vec<f64>,
}

#[wasm_bindgen]
impl Bench {
    /// Of a picture of this size.
    ///
    /// # Errors
    /// If the device fails.
    #[wasm_bindgen(constructor)]
    pub fn new(computer: &Computer, width: u32, height: u32) -> Result<Bench, JsError> {
        let size = Size { width, height };
        let long = size.long_side();
        // Its steps take the same time whatever they see.
        let recipe = Recipe {
            size: long,
            min_scale: long,
            first_iterations: 2 * TIMED,
            method: Method::Adam,
            ..Recipe::default()
        };
        let filters = generated(1, recipe.deepest().unwrap_or(Layer::DEEPEST));
        let engine = Engine::new(&computer.0, Arc::new(filters)).map_err(told)?;
        let inputs = Inputs::new(Picture::noise(size, 1), Picture::noise(size, 2));
        Ok(Bench { painting: Painting::new(&engine, inputs, recipe).map_err(told)?, seconds: Vec::new() })
    }

    /// Does a piece of work: `pending`, `worked` or `done`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn step(&mut self) -> Result<String, JsError> {
        let status = self.painting.advance().map_err(told)?;
        while let Some(event) = self.painting.next_event() {
            if let Event::Iteration { seconds, .. } = event {
                self.seconds.push(seconds);
            }
        }
        let word = match status {
            Status::Pending => "pending",
            Status::Worked => "worked",
            Status::Done => "done",
        };
        Ok(word.to_owned())
    }

    /// Milliseconds that an iteration takes, once all is done.
    pub fn milliseconds(&self) -> Option<f64> {
        let (last, before) = (self.seconds.last()?, self.seconds.get(TIMED as usize - 1)?);
        Some(1e3 * (last - before) / f64::from(TIMED))
    }
}
