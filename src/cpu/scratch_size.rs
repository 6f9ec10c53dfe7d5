//! How much the threads work in beside the slots, known before anything is allocated.

use super::{
    conv3x3::Partition,
    first_layer::FirstLayer,
    winograd::{Direction, TILE, TransformedFilters, scratch_by_position, scratch_of_band},
};
use crate::{
    plan::{FeatureShape, Plan, Rows, Step},
    vgg19::Layer,
};

/// Bytes that so many threads work in once they have run all of a plan.
pub(crate) fn scratch_bytes(plan: &Plan, threads: usize) -> u64 {
    // Of each thread two arrays, and one of all together; each grows to its largest use.
    let (mut own, mut shared) = ([0, 0], 0);
    for step in &plan.steps {
        let (of_thread, of_all) = match step {
            Step::Conv3x3(step) => of_layer(step.layer, Direction::Forward, step.shape, step.rows, threads),
            Step::Conv3x3Backward(step) => of_layer(step.layer, Direction::Backward, step.shape, step.rows, threads),
            _ => continue,
        };
        own = [own[0].max(of_thread[0]), own[1].max(of_thread[1])];
        shared = shared.max(of_all);
    }
    4 * (threads * (own[0] + own[1]) + shared) as u64
}

/// Words of a convolution that makes some rows of a map.
fn of_layer(
    layer: Layer,
    direction: Direction,
    shape: FeatureShape,
    rows: Rows,
    threads: usize,
) -> ([usize; 2], usize) {
    if layer == Layer::FIRST {
        let words = match direction {
            Direction::Forward => FirstLayer::scratch_forward(shape),
            Direction::Backward => FirstLayer::scratch_backward(shape, rows.count()),
        };
        return ([words, 0], 0);
    }
    let made = FeatureShape { height: rows.inside(shape).count() as u32, ..shape };
    if made.height == 0 {
        return ([0, 0], 0);
    }
    let (input, output) = (layer.input_channels() as usize, layer.output_channels() as usize);
    let channels = match direction {
        Direction::Forward => (input, output),
        Direction::Backward => (output, input),
    };
    let keeps_backward = TransformedFilters::keep_backward(input, output);
    let partition = Partition::new(made, keeps_backward, direction, threads);
    let tiles = |rows: usize| {
        let (across, down) = ((shape.width as usize).div_ceil(TILE), rows.min(made.height as usize).div_ceil(TILE));
        across * down
    };
    match partition.block {
        Some(block) => scratch_by_position(channels, tiles(block), direction),
        None => (scratch_of_band(channels, tiles(partition.band)), 0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{
        Session as _,
        cpu::{Cpu, Session},
        plan::{Network, Optimizer, Routine, Size, Storage, Term, Window, iteration},
        weights::generated,
    };
    use std::{num::NonZeroUsize, sync::Arc};

    #[test]
    fn the_threads_work_in_as_much_as_is_said() {
        for (name, width, height) in
            [("relu4_1", 65, 43), ("relu4_2", 33, 250), ("relu2_1", 301, 207), ("relu5_1", 170, 120)]
        {
            let size = Size { width, height };
            for threads in [1, 3] {
                let storage = Storage::for_threads(threads, size);
                let network = Network { window: Window::whole(size), storage, ..Network::for_tests(width, height) };
                let terms = [Term::gram(name.parse().unwrap(), 0)];
                let plan = iteration(&network, &terms, Optimizer::default()).unwrap();
                let filters = Arc::new(generated(1, name.parse().unwrap()));
                let processor = Cpu::new(filters, NonZeroUsize::new(threads)).unwrap();
                let mut session = Session::on(&processor, &plan).unwrap();
                session.run(Routine::Evaluate).unwrap();
                let (found, said) = (processor.scratches.bytes(), scratch_bytes(&plan, threads));
                // Arrays are whole cache lines, and one of several threads may have had nothing to do.
                let lines = 64 * (2 * threads + 1) as u64;
                assert!(found <= said + lines, "{name} {size} {threads}: {found} of {said}");
                assert!(threads > 1 || found >= said, "{name} {size}: {found} of {said}");
            }
        }
    }
}
