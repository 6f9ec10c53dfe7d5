//! Which neighbouring steps one kernel carries out together, so that the first step's results for the second need not
//! go through the device's memory.

use super::{
    Choice, WorkShape,
    variants::{CONV3X3_MAX_POOL, NETWORK_INPUT_BACKWARD_TOTAL_VARIATION},
};
use crate::{
    gpu::Abilities,
    plan::{Conv3x3, MaxPool, NetworkInputBackward, Plan, SlotId, Step, TotalVariation},
};
use std::ops::Range;

/// The work of one kernel: a step, or two neighbours.
#[derive(Clone, Copy, Debug)]
pub enum Work<'a> {
    /// The step by itself.
    Step(&'a Step),
    /// The step and the next. The picture's gradient is written once.
    NetworkInputBackwardTotalVariation(&'a NetworkInputBackward, &'a TotalVariation),
    /// The step and the next. The map between them is not written.
    Conv3x3MaxPool(&'a Conv3x3, &'a MaxPool),
}

/// A piece of a plan's work, and the kernel for it.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Number of the plan's step that it starts with.
    pub first: usize,
    /// The work.
    pub work: Work<'a>,
    /// The kernel.
    pub choice: Choice,
}

impl Task<'_> {
    /// Numbers of the plan's steps that it carries out.
    pub fn steps(&self) -> Range<usize> {
        let count = if matches!(self.work, Work::Step(_)) { 1 } else { 2 };
        self.first..self.first + count
    }
}

/// The tasks that carry out a plan, in order; `choices` are those for its steps alone. Two steps become one task if
/// they can and the variant that the first would get has a kernel for both.
pub fn fuse<'a>(plan: &'a Plan, choices: &[Choice], abilities: Abilities) -> Vec<Task<'a>> {
    let mut pairs = pairs(plan).into_iter().peekable();
    let mut tasks: Vec<Task<'a>> = Vec::with_capacity(plan.steps.len());
    let mut first = 0;
    while first < plan.steps.len() {
        let variant = choices[first].kernel.variant;
        while pairs.next_if(|(of, ..)| *of < first).is_some() {}
        let together = pairs.next_if(|(of, ..)| *of == first).and_then(|(_, work, shape)| {
            let choice = shape.choice_of(variant, abilities, |_| 1)?;
            Some(Task { first, work, choice })
        });
        let task = together.unwrap_or(Task { first, work: Work::Step(&plan.steps[first]), choice: choices[first] });
        first = task.steps().end;
        tasks.push(task);
    }
    tasks
}

/// Steps that can form one task with the next: their numbers, and the work of that task.
pub fn pairs(plan: &Plan) -> Vec<(usize, Work<'_>, WorkShape)> {
    let lifetimes = plan.lifetimes();
    let pair = |first| {
        let only_between = |slot: SlotId| {
            !plan.slot(slot).persistent && lifetimes[slot.0].iter().any(|life| *life == (first..=first + 1))
        };
        let (work, shape) = pair_at(plan, first, only_between)?;
        Some((first, work, shape))
    };
    (0..plan.steps.len()).filter_map(pair).collect()
}

/// A step and the next as one, and their shape, if some kernel could do both. `only_between` says whether a slot is
/// written by the step for the next alone.
fn pair_at(plan: &Plan, index: usize, only_between: impl Fn(SlotId) -> bool) -> Option<(Work<'_>, WorkShape)> {
    let (first, second) = (&plan.steps[index], plan.steps.get(index + 1)?);
    plan.routines.iter().find(|(_, steps)| steps.contains(&index) && steps.contains(&(index + 1)))?;
    let (work, operation, unwritten) = match (first, second) {
        (Step::NetworkInputBackward(network), Step::TotalVariation(variation)) => {
            let fits = network.image_gradient == variation.image_gradient && network.size == variation.size;
            let work = Work::NetworkInputBackwardTotalVariation(network, variation);
            (fits.then_some(work)?, NETWORK_INPUT_BACKWARD_TOTAL_VARIATION, None)
        }
        (Step::Conv3x3(conv3x3), Step::MaxPool(pool)) => {
            let fits = conv3x3.output == pool.input
                && conv3x3.shape == pool.shape
                && conv3x3.rows == pool.rows.below_pooling(pool.shape)
                && only_between(pool.input.slot);
            (fits.then_some(Work::Conv3x3MaxPool(conv3x3, pool))?, CONV3X3_MAX_POOL, Some(pool.input.slot))
        }
        _ => return None,
    };
    let shape = WorkShape { operation, ..WorkShape::of(first, plan.precision) };
    are_apart(plan, [first, second], unwritten).then_some((work, shape))
}

/// Whether no two slots of the steps share a buffer: the second may write to where the first reads only if it runs later.
fn are_apart(plan: &Plan, steps: [&Step; 2], unwritten: Option<SlotId>) -> bool {
    let mut slots: Vec<SlotId> = steps.iter().map(|step| step.slots()).flat_map(|(r, w)| [r, w].concat()).collect();
    slots.retain(|slot| Some(*slot) != unwritten);
    slots.sort_unstable();
    slots.dedup();
    let mut buffers: Vec<usize> = slots.iter().map(|slot| plan.slot(*slot).buffer).collect();
    buffers.sort_unstable();
    buffers.windows(2).all(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Session as _,
        gpu::{DeviceFilters, Gpu, Resources, Session, ShaderChecks, Variant, Vendor, first_adapter, kernels::tasks},
        plan::{
            Banding, Border, IterationState, Network, Optimizer, Pooling, Precision, Region, Representation, Routine,
            Storage, Tensor, Term, features, iteration,
        },
        random::Random,
        style::Recipe,
        weights::{ConvolutionFilters, Filters, Normalisation, generated},
    };
    use Variant::{Tiled, Winograd2};
    use std::sync::Arc;

    const ABILITIES: Abilities = Abilities {
        vendor: Vendor::Other,
        filling_groups: 8,
        resources: Resources::WEBGPU_MINIMUM,
        cooperative_matrices: false,
        largest_subgroup: 32,
    };

    /// Names of what is pooled without being written, and how often the picture's gradient is computed in one go.
    fn fused(plan: &Plan, variant: Variant) -> (Vec<String>, usize) {
        let (mut unwritten, mut gradients, mut next) = (Vec::new(), 0, 0);
        for task in tasks(plan, ABILITIES, |_| Some(variant)) {
            assert_eq!(task.first, next);
            next = task.steps().end;
            match task.work {
                Work::Step(step) => assert_eq!(step, &plan.steps[task.first]),
                Work::Conv3x3MaxPool(step, _) => unwritten.push(plan.slot(step.output.slot).tensor.to_string()),
                Work::NetworkInputBackwardTotalVariation(..) => gradients += 1,
            }
        }
        assert_eq!(next, plan.steps.len());
        (unwritten, gradients)
    }

    fn network(width: u32, height: u32, storage: Storage) -> Network {
        Network { storage, ..Network::for_tests(width, height) }
    }

    #[test]
    fn the_default_plan_pools_what_no_loss_looks_at() {
        let recipe = Recipe::default();
        let plan = |pooling, terms: &[Term], optimizer| {
            let network = Network { pooling, ..network(256, 192, Storage::PLAIN) };
            iteration(&network, terms, optimizer).unwrap()
        };
        let maxima = plan(Pooling::Max, &recipe.terms_of_whole_pictures(), recipe.optimizer());
        // Deeper poolings write to the place that their convolutions read from.
        let shallow = ["relu1_2", "relu2_2"].map(str::to_owned).to_vec();
        assert_eq!(fused(&maxima, Winograd2), (shallow.clone(), 1));
        let all = ["relu1_2", "relu2_2", "relu3_4", "relu4_4"];
        assert_eq!(fused(&spread(&maxima), Winograd2), (all.map(str::to_owned).to_vec(), 1));
        assert_eq!(fused(&maxima, Tiled), (vec![], 1));
        assert_eq!(
            fused(&plan(Pooling::Average, &recipe.terms_of_whole_pictures(), recipe.optimizer()), Winograd2),
            (vec![], 1)
        );
        let looked_at = Term::all_of(&["relu2_2"], &["relu3_4", "relu5_1"]);
        let others = vec![all[0].to_owned(), all[3].to_owned()];
        for optimizer in [Optimizer::default(), Optimizer::Lbfgs { memory: 3 }] {
            let plan = spread(&plan(Pooling::Max, &looked_at, optimizer));
            assert_eq!(fused(&plan, Winograd2), (others.clone(), 1));
        }
    }

    #[test]
    fn every_band_of_a_large_picture_is_pooled_without_being_written() {
        let recipe = Recipe::default();
        let storage = Storage::for_binding(2 << 30, Precision::F16);
        let plan =
            iteration(&network(1024, 1024, storage), &recipe.terms_of_whole_pictures(), recipe.optimizer()).unwrap();
        let (unwritten, gradients) = fused(&plan, Winograd2);
        for name in ["relu1_2", "relu2_2"] {
            let bands = plan.steps.iter().filter(|step| plan.slot(step.makes()).tensor.to_string() == name).count();
            assert!(bands > 1, "{name} is made whole");
            assert_eq!(unwritten.iter().filter(|unwritten| *unwritten == name).count(), bands);
        }
        assert_eq!(gradients, 1);
    }

    #[test]
    fn maps_that_are_to_be_read_are_written() {
        let mut wanted = vec![Representation::Features("relu1_2".parse().unwrap())];
        wanted.extend(["relu2_2", "relu4_1"].map(|name| Representation::Gram(name.parse().unwrap(), Region::WHOLE)));
        let plan = features(&network(64, 48, Storage::PLAIN), &wanted).unwrap();
        assert_eq!(fused(&plan, Winograd2), (vec!["relu3_4".to_owned()], 0));
    }

    #[test]
    fn neighbours_that_were_apart_or_share_a_buffer_are_not_fused() {
        let terms = Term::all_of(&[], &["relu3_1"]);
        let plan = iteration(&network(64, 48, Storage::PLAIN), &terms, Optimizer::default()).unwrap();
        let is = |name: &str| {
            let of = |(index, step): (usize, &Step)| (step.operation() == name).then_some(index);
            plan.steps.iter().enumerate().filter_map(of).collect::<Vec<_>>()
        };
        let (convolutions, pools) = (is("conv3x3"), is("max_pool"));
        // relu1_2 before the pooling of relu2_2, and relu1_2 alone.
        assert_eq!(fused(&plan.only(&[convolutions[1], pools[1]]), Winograd2), (vec![], 0));
        assert_eq!(fused(&plan.only(&[convolutions[1]]), Winograd2), (vec![], 0));
        // relu2_2 with its pooling; with another reader behind them; and pooled into what the convolution reads.
        let mut pair = plan.only(&[convolutions[3], pools[1]]);
        for (index, slot) in pair.slots.iter_mut().enumerate() {
            slot.buffer = index;
        }
        assert_eq!(fused(&pair, Winograd2).0, ["relu2_2"]);
        let mut read_again = pair.clone();
        read_again.steps.push(pair.steps[1]);
        assert_eq!(fused(&read_again, Winograd2).0, [""; 0]);
        let (Step::Conv3x3(step), Step::MaxPool(pool)) = (pair.steps[0], pair.steps[1]) else { unreachable!() };
        let mut shared = pair.clone();
        shared.slots[pool.output.slot.0].buffer = shared.slots[step.input.slot.0].buffer;
        assert_eq!(fused(&shared, Winograd2).0, [""; 0]);
        let mut parted = pair.clone();
        parted.routines = vec![(Routine::Features, 0..1), (Routine::Evaluate, 1..2)];
        assert_eq!(fused(&parted, Winograd2).0, [""; 0]);
        let Step::MaxPool(fewer) = &mut pair.steps[1] else { unreachable!() };
        fewer.rows.end -= 1;
        assert_eq!(fused(&pair, Winograd2).0, [""; 0]);
    }

    /// The second recomputes the features of relu2_1.
    const BANDS: [Banding; 3] = [
        Banding::NONE,
        Banding { small: 0, whole: 60_000, band: 40_000, kept: u64::MAX, slot: u64::MAX },
        Banding { small: 0, whole: 60_000, band: 60_000, kept: 130_000, slot: 130_000 },
    ];

    fn terms() -> Vec<Term> {
        Term::all_of(&["relu3_1"], &["relu1_1", "relu2_1"])
    }

    /// A few weights of 1 and -1 for every output: with a picture of small whole numbers, all maps are whole numbers, every
    /// sum is exact in any order, and values of one 2x2 are often the same.
    fn whole_numbers() -> Filters {
        let mut filters = generated(1, "relu3_1".parse().unwrap());
        let mut random = Random::new(29);
        for layer in &mut filters.layers {
            let ConvolutionFilters { input_channels, output_channels, weight, bias } = layer;
            weight.fill(0.0);
            for output in 0..*output_channels {
                for value in [1.0, 1.0, -1.0] {
                    // The fourth channel of the network input is padding.
                    let read = if *input_channels == 4 { 3 } else { *input_channels };
                    let input = random.below(9) * *input_channels + random.below(read);
                    weight[input * *output_channels + output] = value;
                }
            }
            bias.iter_mut().for_each(|bias| *bias = random.below(3) as f32 - 1.0);
        }
        filters
    }

    /// All slots after an evaluation. With `guard` words at the end of each, whatever no step writes stays NaN.
    fn evaluate(
        gpu: &Arc<Gpu>,
        plan: &Plan,
        filters: &Arc<DeviceFilters>,
        tasks: &[Task<'_>],
        guard: usize,
    ) -> Vec<Vec<u8>> {
        let mut session = Session::with_tasks(gpu, plan, filters, tasks, u32::MAX).unwrap();
        let mut random = Random::new(3);
        for (index, slot) in plan.slots.iter().enumerate() {
            let id = SlotId(index);
            if guard > 0 {
                session.write(id, &vec![0xff; 4 * slot.words]).unwrap();
            }
            let values = slot.words - guard;
            let values = match slot.tensor {
                Tensor::Image => (0..values).map(|_| random.below(4) as f32).collect(),
                Tensor::Target(Term::Style(_)) => random.uniform_values(values, 0.0, 1.0),
                Tensor::Target(_) => {
                    let values = 4 * values / plan.precision.bytes();
                    let target = random.uniform_values(values, 0.0, 1.0);
                    session.write(id, &plan.precision.encode(&target)).unwrap();
                    continue;
                }
                Tensor::Coefficients => [1e-4, 2e-4].repeat(values / 2),
                Tensor::InverseGradientScale => vec![1.0],
                Tensor::State => bytemuck::cast::<_, [f32; IterationState::WORDS]>(IterationState::INITIAL).to_vec(),
                _ => continue,
            };
            session.write(id, bytemuck::cast_slice(&values)).unwrap();
        }
        session.run(Routine::Evaluate).unwrap();
        (0..plan.slots.len()).map(|index| session.read(SlotId(index)).unwrap()).collect()
    }

    const GUARD_WORDS: usize = 8;

    /// The plan with a buffer for every slot, so that all of them can be read at the end, and guard words in each.
    fn spread(plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for (index, slot) in plan.slots.iter_mut().enumerate() {
            slot.words += GUARD_WORDS;
            slot.buffer = index;
        }
        plan.buffers = plan.slots.iter().map(|slot| slot.words).collect();
        plan
    }

    /// With neighbours in one task and without.
    fn both_ways(plan: &Plan, abilities: Abilities) -> [Vec<Task<'_>>; 2] {
        let alone = |first| {
            let step = &plan.steps[first];
            let choice = WorkShape::of(step, plan.precision).choose(Some(Winograd2), abilities, |_| 1);
            Task { first, work: Work::Step(step), choice }
        };
        [tasks(plan, abilities, |_| Some(Winograd2)), (0..plan.steps.len()).map(alone).collect()]
    }

    #[test]
    fn fused_steps_leave_the_bits_that_single_ones_leave() {
        let adapter = first_adapter();
        let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        assert!(gpu.has_f16(), "llvmpipe stores f16");
        let filters = DeviceFilters::new(&Arc::new(whole_numbers()));
        let normalisation = Normalisation { mean: [0.0; 3], deviation: [1.0; 3] };
        for (case, (width, height)) in [(37, 43), (24, 50), (50, 27), (8, 9)].into_iter().enumerate() {
            for (precision, banding) in
                [Precision::F32, Precision::F16].iter().flat_map(|&p| BANDS.map(|banding| (p, banding)))
            {
                let border = if case % 2 == 0 { Border::Replicate } else { Border::Zero };
                let storage = Storage { precision, banding };
                let network = Network { border, normalisation, ..network(width, height, storage) };
                let shared = iteration(&network, &terms(), Optimizer::default()).unwrap();
                let mut abilities = gpu.trusted_abilities(precision);
                abilities.resources.workgroup_memory = [16 << 10, 32 << 10][case / 2];
                let plan = spread(&shared);
                let (unwritten, gradients) = fused(&plan, Winograd2);
                assert!(unwritten.len() >= 2 && gradients == 1, "{unwritten:?}");
                let [together, alone] = both_ways(&plan, abilities);
                let made = evaluate(&gpu, &plan, &filters, &together, GUARD_WORDS);
                let expected = evaluate(&gpu, &plan, &filters, &alone, GUARD_WORDS);
                for (slot, (made, expected)) in plan.slots.iter().zip(made.iter().zip(&expected)) {
                    let name = slot.tensor.to_string();
                    if unwritten.contains(&name) {
                        assert!(made.iter().all(|&byte| byte == 0xff), "{name} was written");
                        assert_ne!(made, expected);
                    } else {
                        assert!(made == expected, "{name}, {width}x{height} in {precision}, {banding:?}");
                    }
                    if matches!(slot.tensor, Tensor::Pooled(_) | Tensor::ImageGradient) {
                        assert!(made[..4 * (slot.words - GUARD_WORDS)].iter().any(|&byte| byte != 0), "{name}");
                    }
                }
                // With slots sharing buffers as usual, the remaining contents are the same.
                let [together, _] = both_ways(&shared, abilities);
                let again = evaluate(&gpu, &shared, &filters, &together, 0);
                for tensor in [Tensor::ImageGradient, Tensor::LossValues] {
                    let slot = plan.find(tensor).unwrap().0;
                    assert!(again[slot][..] == expected[slot][..again[slot].len()], "{tensor}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_finite_shows_in_a_loss_through_fused_steps() {
        let adapter = first_adapter();
        let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        let filters = DeviceFilters::new(&Arc::new(generated(5, "relu2_1".parse().unwrap())));
        let terms = Term::all_of(&[], &["relu1_1", "relu2_1"]);
        let plan = iteration(&network(21, 14, Storage::PLAIN), &terms, Optimizer::default()).unwrap();
        assert_eq!(fused(&plan, Winograd2), (vec!["relu1_2".to_owned()], 1));
        let find = |tensor| plan.find(tensor).unwrap();
        let values = |image: f32, inverse_scale: f32| {
            let mut session = Session::new(&gpu, plan.clone(), &filters, &Winograd2.into()).unwrap();
            let mut picture = vec![0.5; plan.slot(find(Tensor::Image)).words];
            picture[100] = image;
            for (tensor, values) in [
                (Tensor::Image, picture),
                (Tensor::Coefficients, vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
                (Tensor::InverseGradientScale, vec![inverse_scale]),
                (Tensor::State, bytemuck::cast::<_, [f32; IterationState::WORDS]>(IterationState::INITIAL).to_vec()),
            ] {
                session.write(find(tensor), bytemuck::cast_slice(&values)).unwrap();
            }
            session.run(Routine::Evaluate).unwrap();
            crate::read_values(&mut session, find(Tensor::LossValues)).unwrap()
        };
        assert!(values(0.5, 1.0).iter().all(|loss| loss.is_finite()));
        // The deeper style loss, by way of the pooled map.
        assert!(!values(f32::INFINITY, 1.0)[1].is_finite());
        // Total variation, which looks at the picture's gradient.
        let [_, style, variation] = values(0.5, f32::INFINITY)[..] else { panic!("three losses") };
        assert!(style.is_finite() && !variation.is_finite());
    }
}
