//! impasto for a worker of a web page: pictures in, a painting that the worker's event loop drives, PNG out.
//!
//! Nothing here waits: answers of the browser's GPU arrive only after the worker has given control back.

use impasto::{
    Device, Engine,
    gpu::{Gpu, ShaderChecks, preferred_adapter},
    learn::{LearnSettings, learn_filters},
    picture::{Detail, Encoding, Picture},
    style::{Event, Inputs, Painting, Recipe, Status},
};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};
use wasm_bindgen::prelude::*;

/// What can be set, by the names of the command line. What is absent has the default for the filters.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    size: Option<u32>,
    min_scale: Option<u32>,
    iterations: Option<u32>,
    first_iterations: Option<u32>,
    content_weight: Option<f32>,
    style_weight: Option<f32>,
    tv_weight: Option<f32>,
    learning_rate: Option<f32>,
    seed: Option<u64>,
}

impl Options {
    fn parse(text: &str) -> Result<Options, JsError> {
        serde_json::from_str(text).map_err(told)
    }

    /// Sets what is given.
    fn apply(&self, recipe: &mut Recipe) {
        fn set<T: Copy>(value: &mut T, given: Option<T>) {
            *value = given.unwrap_or(*value);
        }
        set(&mut recipe.size, self.size);
        set(&mut recipe.min_scale, self.min_scale);
        set(&mut recipe.iterations, self.iterations);
        set(&mut recipe.first_iterations, self.first_iterations);
        set(&mut recipe.content_weight, self.content_weight);
        set(&mut recipe.style_weight, self.style_weight);
        set(&mut recipe.tv_weight, self.tv_weight);
        recipe.learning_rate = self.learning_rate.or(recipe.learning_rate);
        set(&mut recipe.seed, self.seed);
    }
}

/// What happened, as the page is told.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum News {
    Scale { number: usize, count: usize, width: u32, height: u32, iterations: u32 },
    Iteration { iteration: u32, loss: f64 },
}

/// What a picture remembers.
#[derive(Serialize)]
struct Record<'a> {
    impasto: &'a str,
    command: &'a str,
    size: (u32, u32),
    device: &'a str,
    back_end: &'a str,
    filters: &'a str,
    recipe: &'a Recipe,
}

fn told(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
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

/// A picture while it is painted.
#[wasm_bindgen]
pub struct Work {
    painting: Painting,
    engine: Engine,
    /// The latest picture on the way.
    picture: Option<Picture>,
}

fn read(name: &str, bytes: &[u8]) -> Result<Picture, JsError> {
    Ok(Picture::read_for(Path::new(name), bytes, Detail::Full).map_err(told)?.picture)
}

#[wasm_bindgen]
impl Work {
    /// Learns filters from the two pictures, given as the bytes of their files, and begins to paint. `options` are JSON:
    /// numbers by the command line's names.
    ///
    /// # Errors
    /// If a picture cannot be read, filters cannot be learned, or an option is out of range.
    #[wasm_bindgen(constructor)]
    pub fn new(computer: &Computer, photograph: &[u8], painting: &[u8], options: &str) -> Result<Work, JsError> {
        let options = Options::parse(options)?;
        let (photograph, style) = (read("the photograph", photograph)?, read("the painting", painting)?);
        let settings = LearnSettings { seed: options.seed.unwrap_or(0), ..LearnSettings::default() };
        let filters = learn_filters(&[&photograph, &style], &settings).map_err(told)?;
        let mut recipe = Recipe::for_filters(&filters);
        options.apply(&mut recipe);
        let engine = Engine::new(&computer.0, Arc::new(filters)).map_err(told)?;
        let painting = Painting::new(&engine, Inputs::new(photograph, style), recipe).map_err(told)?;
        Ok(Work { painting, engine, picture: None })
    }

    /// Does a piece of work: `pending` if the device has not answered, so that control has to go back to the event loop,
    /// else `worked` or `done`.
    ///
    /// # Errors
    /// If the device fails or the losses stop being numbers. [`Work::png`] still gives the last good picture.
    pub fn advance(&mut self) -> Result<String, JsError> {
        let status = self.painting.advance().map_err(|error| {
            let failure = told(&error);
            self.picture = error.so_far.map(|picture| *picture).or(self.picture.take());
            failure
        })?;
        let word = match status {
            Status::Pending => "pending",
            Status::Worked => "worked",
            Status::Done => "done",
        };
        Ok(word.to_owned())
    }

    /// The oldest thing that happened and was not told yet, as JSON: `scale` or `iteration`, or `picture` once
    /// [`Work::png`] has a new one.
    pub fn news(&mut self) -> Option<String> {
        loop {
            let news = match self.painting.next_event()? {
                Event::Scale { number, count, size, iterations, .. } => {
                    News::Scale { number, count, width: size.width, height: size.height, iterations }
                }
                Event::Iteration { iteration, loss, .. } => News::Iteration { iteration, loss: loss.total },
                Event::Snapshot { picture, .. } => {
                    self.picture = Some(picture);
                    return Some("{\"kind\":\"picture\"}".to_owned());
                }
                _ => continue,
            };
            return Some(serde_json::to_string(&news).expect("words and numbers can be written"));
        }
    }

    /// Asks for a picture of the present moment.
    pub fn look(&mut self) {
        self.painting.request_picture();
    }

    /// Changes options between two iterations.
    ///
    /// # Errors
    /// If one is out of range, or cannot change while a picture is painted.
    pub fn change(&mut self, options: &str) -> Result<(), JsError> {
        let options = Options::parse(options)?;
        self.painting.change(|recipe| options.apply(recipe)).map_err(told)
    }

    /// The latest picture as a PNG file that remembers its recipe; nothing if there is none yet.
    ///
    /// # Errors
    /// If a value is not a number.
    pub fn png(&self) -> Result<Option<Vec<u8>>, JsError> {
        let Some(picture) = &self.picture else { return Ok(None) };
        let recipe = self.painting.recipe();
        let record = Record {
            impasto: env!("CARGO_PKG_VERSION"),
            command: "web",
            size: (picture.size().width, picture.size().height),
            device: self.engine.name(),
            back_end: self.engine.back_end(),
            filters: self.engine.filters().digest(recipe.deepest()),
            recipe,
        };
        let record = serde_json::to_string(&record).expect("a recipe is numbers, words and lists");
        let encoding = Encoding { record: Some(record), ..Encoding::default() };
        picture.to_png("the picture", &encoding).map(Some).map_err(told)
    }

    /// Once it is done, takes the result as the latest picture.
    ///
    /// # Errors
    /// As [`Work::advance`].
    pub fn finish(&mut self) -> Result<(), JsError> {
        let result = self.painting.picture().map_err(told)?;
        self.picture = result.or(self.picture.take());
        Ok(())
    }
}

/// The demonstration's photograph as a PNG file.
///
/// # Errors
/// Never in practice: all its values are numbers.
#[wasm_bindgen]
pub fn demo_photograph(width: u32, height: u32) -> Result<Vec<u8>, JsError> {
    let size = impasto::plan::Size { width, height };
    impasto::demo::townscape(size).to_png("townscape.png", &Encoding::default()).map_err(told)
}

/// The demonstration's painting as a PNG file.
///
/// # Errors
/// As [`demo_photograph`].
#[wasm_bindgen]
pub fn demo_painting(width: u32, height: u32) -> Result<Vec<u8>, JsError> {
    let size = impasto::plan::Size { width, height };
    impasto::demo::brushwork(size).to_png("brushwork.png", &Encoding::default()).map_err(told)
}
