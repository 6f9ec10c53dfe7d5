//! A plan of one or two steps, made slot by slot.

use super::check::Check;
use super::{Case, GUARD, GUARD_WORDS};
use crate::plan::{FeatureShape, Map, Plan, Precision, Routine, Size, Slot, SlotId, Step, Tensor, Window};
use crate::random::Random;
use crate::weights::Filters;
use std::sync::Arc;

/// Slots and their contents before the step.
pub(super) struct Sketch {
    slots: Vec<Slot>,
    contents: Vec<Vec<u32>>,
    checks: Vec<Check>,
    pub(super) random: Random,
}

impl Sketch {
    pub(super) fn new(seed: u64) -> Sketch {
        Sketch { slots: Vec::new(), contents: Vec::new(), checks: Vec::new(), random: Random::new(seed) }
    }

    /// A slot with the given words, followed by the guard.
    pub(super) fn words(&mut self, tensor: Tensor, words: Vec<u32>) -> SlotId {
        let id = SlotId(self.slots.len());
        self.slots.push(Slot {
            tensor,
            words: words.len() + GUARD_WORDS,
            persistent: true,
            per_band: false,
            buffer: id.0,
        });
        self.contents.push(words);
        id
    }

    /// A slot with the given numbers.
    pub(super) fn numbers(&mut self, tensor: Tensor, numbers: Vec<f32>) -> SlotId {
        self.words(tensor, bytemuck::cast_vec(numbers))
    }

    /// Random numbers.
    pub(super) fn uniform(&mut self, tensor: Tensor, count: usize, low: f32, high: f32) -> SlotId {
        let numbers = self.random.uniform_values(count, low, high);
        self.numbers(tensor, numbers)
    }

    /// A random feature map or gradient with a zero halo.
    pub(super) fn map(&mut self, tensor: Tensor, shape: FeatureShape, low: f32, high: f32) -> Map {
        let mut numbers = vec![0.0; shape.values()];
        let channels = shape.channels as usize;
        for y in 0..shape.height as usize {
            for x in 0..shape.width as usize {
                for value in &mut numbers[shape.pixel(x, y) * channels..][..channels] {
                    *value = self.random.uniform(low, high);
                }
            }
        }
        Map::whole(self.numbers(tensor, numbers))
    }

    /// A feature map or gradient of NaN, to be written by the step.
    pub(super) fn unwritten_map(&mut self, tensor: Tensor, shape: FeatureShape) -> Map {
        Map::whole(self.unwritten(tensor, shape.values()))
    }

    /// Random words per pixel of a map, as in masks and pooling winners, with a zero halo.
    pub(super) fn bits(&mut self, tensor: Tensor, shape: FeatureShape, words_per_pixel: usize) -> SlotId {
        let mut words = vec![0; shape.padded_pixels() * words_per_pixel];
        for y in 0..shape.height as usize {
            for x in 0..shape.width as usize {
                for word in &mut words[shape.pixel(x, y) * words_per_pixel..][..words_per_pixel] {
                    *word = self.random.bits() as u32;
                }
            }
        }
        self.words(tensor, words)
    }

    /// NaN, to be written by the step.
    pub(super) fn unwritten(&mut self, tensor: Tensor, words: usize) -> SlotId {
        self.words(tensor, vec![GUARD; words])
    }

    /// Applies a function to all numbers of a slot.
    pub(super) fn change(&mut self, slot: SlotId, function: fn(f32) -> f32) {
        self.contents[slot.0].iter_mut().for_each(|word| *word = function(f32::from_bits(*word)).to_bits());
    }

    pub(super) fn check(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// A map of NaN that the first of two steps produces for the second alone.
    pub(super) fn map_between(&mut self, tensor: Tensor, shape: FeatureShape) -> Map {
        let map = self.unwritten_map(tensor, shape);
        self.slots[map.slot.0].persistent = false;
        map
    }

    pub(super) fn finish(self, name: String, step: Step, filters: &Arc<Filters>, tolerance: f64) -> Case {
        self.finish_steps(name, vec![step], filters, tolerance)
    }

    pub(super) fn finish_steps(self, name: String, steps: Vec<Step>, filters: &Arc<Filters>, tolerance: f64) -> Case {
        let size = Size { width: 1, height: 1 };
        let plan = Plan {
            window: Window::whole(size),
            precision: Precision::F32,
            terms: Vec::new(),
            buffers: self.slots.iter().map(|slot| slot.words).collect(),
            slots: self.slots,
            routines: vec![(Routine::Evaluate, 0..steps.len())],
            steps,
            segments: Vec::new(),
        };
        let (contents, checks) = (self.contents, self.checks);
        let case = Case { name, plan, filters: filters.clone(), contents, checks, tolerance };
        Case { name: format!("{} {}", case.operation(), case.name), ..case }
    }
}
