//! impasto for a worker of a web page: all that the studio's page asks of an engine, answered beside it.
//!
//! Nothing here waits: answers of the browser's GPU arrive only after the worker has given control back.

mod checks;
mod library;
mod materials;
mod options;
mod record;
mod sitting;
mod studio;

use impasto::{
    Device,
    gpu::{Gpu, ShaderChecks, preferred_adapter},
};
use studio::{Call, Step, Studio, Told, refused};
use wasm_bindgen::prelude::*;

fn told(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

#[wasm_bindgen]
extern "C" {
    /// The browser's console.
    #[wasm_bindgen(js_namespace = console)]
    fn error(text: &str);
}

/// A mistake of the program ends the worker; the console then says which.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

/// What paints: the browser's GPU by WebGPU, or the worker itself.
#[wasm_bindgen]
pub struct Computer(Device);

#[wasm_bindgen]
impl Computer {
    /// The GPU that the browser gives; nothing if it gives none.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn gpu() -> Result<Option<Computer>, JsError> {
        let Some(adapter) = preferred_adapter().await else { return Ok(None) };
        let gpu = Gpu::open_async(&adapter, ShaderChecks::default()).await.map_err(told)?;
        Ok(Some(Computer(Device::Gpu(gpu))))
    }

    /// The worker: slow, for small pictures.
    pub fn cpu() -> Computer {
        Computer(Device::Cpu(None))
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }
}

/// The engine of a page.
#[wasm_bindgen]
pub struct PageEngine {
    studio: Studio,
    /// What is being told.
    told: Option<Told>,
}

#[wasm_bindgen]
impl PageEngine {
    /// With the demonstration's pictures and nothing else.
    ///
    /// # Errors
    /// Never in practice.
    #[wasm_bindgen(constructor)]
    pub fn new(computer: &Computer) -> Result<PageEngine, JsError> {
        Ok(PageEngine { studio: Studio::new(computer.0.clone()).map_err(told)?, told: None })
    }

    /// Paints on another device, where the one before was lost.
    pub fn set_computer(&mut self, computer: &Computer) {
        self.studio.set_device(computer.0.clone());
    }

    /// Does what a page asks for in JSON, and answers in JSON: `{"refused": sentence, "conflict": bool, "format": bool}` where
    /// it is not done. `file` comes with some calls.
    pub fn answer(&mut self, call: &str, file: Vec<u8>) -> String {
        let answer = match serde_json::from_str::<Call>(call) {
            Ok(call) => self.studio.answer(call, file).map_err(|refusal| serde_json::json!(refusal)),
            Err(error) => Err(serde_json::json!(refused(error))),
        };
        answer.unwrap_or_else(|refusal| refusal).to_string()
    }

    /// Does a piece of work: `idle` if there is none, `pending` if the device has not answered, so that control has to go
    /// back to the event loop, else `worked`.
    pub fn step(&mut self) -> String {
        let word = match self.studio.step() {
            Step::Idle => "idle",
            Step::Pending => "pending",
            Step::Worked => "worked",
        };
        word.to_owned()
    }

    /// Whether a work has failed since this was asked last: the device may be lost.
    pub fn take_failure(&mut self) -> bool {
        self.studio.take_failure()
    }

    /// The oldest thing that happened and was not told yet, as JSON: `event` and `data`.
    pub fn next_told(&mut self) -> Option<String> {
        self.told = self.studio.next_told();
        self.told.as_ref().map(|told| serde_json::json!(told).to_string())
    }

    /// The file that belongs to what was told last.
    pub fn told_file(&mut self) -> Option<Vec<u8>> {
        self.told.as_mut()?.file.take()
    }
}
