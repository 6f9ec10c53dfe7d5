//! Tests: what dispatches say of their shaders, against what naga reads in the shaders.

use super::*;
use crate::{
    gpu::Maker,
    plan::{Network, Optimizer, Storage, Term, iteration},
    validate::{self, Case},
};
use naga::{
    BuiltIn, Scalar, TypeInner, VectorSize,
    valid::{Capabilities, FunctionInfo, GlobalUse, ModuleInfo, ValidationFlags, Validator},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A shader as naga sees it.
struct Reflected {
    module: naga::Module,
    info: ModuleInfo,
}

impl Reflected {
    fn new(shader: &Shader, precision: Precision) -> Reflected {
        let module = naga::front::wgsl::parse_str(shader.source(precision)).unwrap();
        let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).unwrap();
        Reflected { module, info }
    }

    fn entry(&self, name: &str) -> (&naga::Function, &FunctionInfo) {
        let index = self.module.entry_points.iter().position(|entry| entry.name == name);
        let index = index.unwrap_or_else(|| panic!("no entry point {name}"));
        (&self.module.entry_points[index].function, self.info.get_entry_point(index))
    }

    /// What an entry point and all that it calls do with whatever is bound, by group and binding.
    fn uses(&self, entry: &FunctionInfo) -> BTreeMap<(u32, u32), GlobalUse> {
        let bound = self.module.global_variables.iter().filter_map(|(handle, global)| Some((handle, global.binding?)));
        let used = bound.map(|(handle, binding)| ((binding.group, binding.binding), entry[handle]));
        used.filter(|(_, used)| !used.is_empty()).collect()
    }

    /// Name, offset and type of the members of a uniform, and the bytes it takes.
    fn uniform(&self, name: &str) -> (Vec<(String, u32, String)>, u32) {
        let globals = &self.module.global_variables;
        let (_, uniform) = globals.iter().find(|(_, global)| global.name.as_deref() == Some(name)).unwrap();
        let TypeInner::Struct { members, span } = &self.module.types[uniform.ty].inner else {
            panic!("{name} is no struct");
        };
        let members = members.iter().map(|member| {
            let wgsl = match self.module.types[member.ty].inner {
                TypeInner::Scalar(Scalar::U32) => "u32",
                TypeInner::Scalar(Scalar::F32) => "f32",
                TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::F32 } => "vec4<f32>",
                ref other => panic!("no Rust type stands for {other:?}"),
            };
            (member.name.clone().unwrap(), member.offset, wgsl.to_owned())
        });
        (members.collect(), *span)
    }
}

/// A step's dispatches with the slots that it reads and writes.
struct Lowered {
    name: String,
    dispatches: Vec<Dispatch>,
    slots: Option<(Vec<SlotId>, Vec<SlotId>)>,
}

/// Devices that between them get every kernel.
fn devices() -> Vec<Abilities> {
    let device =
        Abilities { maker: Maker::Nvidia, filling_groups: 1, workgroup_memory: 48 << 10, cooperative_matrices: true };
    vec![device, Abilities { maker: Maker::Software, workgroup_memory: 16 << 10, filling_groups: 1000, ..device }]
}

/// What any setting makes of the cases, of a whole plan with neighbours fused, and the probes.
fn everything() -> Vec<Lowered> {
    let mut all = Vec::new();
    let cases: Vec<Case> = [validate::cases(), validate::banded_cases()].concat();
    let settings = || Conv3x3Variant::ALL.map(Some).into_iter().chain([None]);
    for abilities in devices() {
        for (case, precision) in cases.iter().flat_map(|case| [(case, Precision::F32), (case, Precision::F16)]) {
            let plan = Plan { precision, ..case.plan.clone() };
            all.extend(settings().map(|asked| Lowered {
                name: format!("{} in {precision}", case.name),
                dispatches: lower(&plan, &plan.steps[0], abilities, asked).0,
                slots: Some(plan.steps[0].slots()),
            }));
        }
        let terms = Term::all_of(&[], &["relu3_1"]);
        let network = Network { storage: Storage::PLAIN, ..Network::for_tests(40, 30) };
        let plan = iteration(&network, &terms, Optimizer::default()).unwrap();
        for (index, (dispatches, _)) in
            lower_all(&plan, abilities, |_| Some(Conv3x3Variant::Winograd2)).into_iter().enumerate()
        {
            let (mut reads, mut writes) = plan.steps[index].slots();
            if dispatches.iter().any(|dispatch| dispatch.entry == "conv3x3_max_pool" || fuses_input(dispatch)) {
                let (read, written) = plan.steps[index + 1].slots();
                let between: Vec<SlotId> = read.iter().filter(|slot| writes.contains(slot)).copied().collect();
                reads.extend(read);
                writes.extend(written);
                reads.retain(|slot| !between.contains(slot));
                writes.retain(|slot| !between.contains(slot) || plan.steps[index + 1].makes() == *slot);
            }
            let name = format!("step {index}: {}", plan.steps[index].operation());
            all.push(Lowered { name, dispatches, slots: Some((reads, writes)) });
        }
    }
    let probes = vec![probe_arithmetic(3, 1, 1.0, 1.0), probe_cooperative(2, 1), probe_bandwidth(5)];
    all.push(Lowered { name: "probe".to_owned(), dispatches: probes, slots: None });
    all
}

fn fuses_input(dispatch: &Dispatch) -> bool {
    dispatch.constants.contains(&("FROM_NETWORK", 1.0))
}

#[test]
fn dispatches_say_what_their_shaders_say() {
    let reflected: HashMap<(&str, Precision), Reflected> = SHADERS
        .iter()
        .flat_map(|shader| shader.precisions().iter().map(move |&precision| (shader, precision)))
        .map(|(shader, precision)| ((shader.name, precision), Reflected::new(shader, precision)))
        .collect();
    let mut seen = BTreeSet::new();
    for lowered in everything() {
        let mut used_slots = [BTreeSet::new(), BTreeSet::new()];
        for dispatch in &lowered.dispatches {
            let name = format!("{} by {}, {}", lowered.name, dispatch.shader, dispatch.entry);
            let shader = SHADERS.iter().find(|shader| shader.name == dispatch.shader).unwrap();
            // Where there is one text for all precisions, it counts as that for f32.
            let precisions = shader.precisions();
            let precision = if precisions.len() == 1 { precisions[0] } else { dispatch.precision };
            let shader = &reflected[&(dispatch.shader, precision)];
            let (_, info) = shader.entry(dispatch.entry);
            seen.insert((dispatch.shader, dispatch.entry));

            for (uniform, params) in [("params", &dispatch.params), ("launch", &Params::launch(0, 1))] {
                let (members, bytes) = shader.uniform(uniform);
                let own = params.members.iter();
                let own: Vec<_> =
                    own.map(|own| (own.name.to_owned(), own.offset as u32, own.wgsl.to_owned())).collect();
                assert_eq!(own, members, "{name}");
                assert_eq!(params.bytes().len() as u32, bytes.next_multiple_of(16), "{name}");
            }

            let uses = shader.uses(info);
            let mut bound: Vec<(u32, u32)> = dispatch.bindings.iter().map(|(number, _)| (0, *number)).collect();
            bound.push((0, 0));
            bound.extend((dispatch.groups != Groups::Single).then_some((1, 0)));
            bound.sort_unstable();
            // What a probe works on is no slot, and bound when it runs.
            if lowered.slots.is_some() {
                assert_eq!(uses.keys().copied().collect::<Vec<_>>(), bound, "{name}");
            }

            for (number, binding) in &dispatch.bindings {
                let used = uses[&(0, *number)];
                match binding {
                    Binding::Slot(slot) => {
                        for (flag, slots) in [GlobalUse::READ, GlobalUse::WRITE].iter().zip(&mut used_slots) {
                            slots.extend(used.contains(*flag).then_some(*slot));
                        }
                    }
                    Binding::Filters(..) | Binding::Bias(_) => assert!(!used.contains(GlobalUse::WRITE), "{name}"),
                    Binding::Unused => {}
                }
            }
            for constant in &dispatch.constants {
                let found = shader.module.overrides.iter().any(|(_, one)| one.name.as_deref() == Some(constant.0));
                assert!(found, "{name}: no constant {}", constant.0);
            }
        }
        let Some((reads, writes)) = lowered.slots else { continue };
        if lowered.dispatches.is_empty() {
            continue;
        }
        let set = |slots: &[SlotId]| slots.iter().copied().collect::<BTreeSet<_>>();
        let (reads, writes) = (set(&reads), set(&writes));
        let [read, written] = used_slots;
        assert_eq!(written, writes, "{} writes", lowered.name);
        // Some of what is written is read too where a flag says so, and scratch by a second dispatch.
        assert!(reads.is_subset(&read), "{} reads", lowered.name);
        assert!(read.is_subset(&(&reads | &writes)), "{} reads", lowered.name);
    }
    let all = SHADERS.iter().flat_map(|shader| {
        let module = &reflected[&(shader.name, shader.precisions()[0])].module;
        module.entry_points.iter().map(|entry| (shader.name, entry.name.as_str()))
    });
    assert_eq!(all.collect::<BTreeSet<_>>(), seen, "not every entry point has a dispatch");
}

/// A kernel that counted workgroups by the built-in values would do some of them twice and others never, where its
/// dispatch is launched in pieces.
#[test]
fn kernels_learn_their_workgroups_number_from_nothing_but_their_launch() {
    let mut asked = 0;
    for shader in SHADERS {
        let Reflected { module, info } = Reflected::new(shader, shader.precisions()[0]);
        let group_number = module.functions.iter().find(|(_, f)| f.name.as_deref() == Some("group_number")).unwrap().0;
        for (index, entry) in module.entry_points.iter().enumerate() {
            let name = format!("{} in {}", entry.name, shader.name);
            for (argument, declared) in entry.function.arguments.iter().enumerate() {
                let Some(naga::Binding::BuiltIn(builtin)) = declared.binding else {
                    panic!("{name}: {declared:?}");
                };
                assert!(
                    !matches!(builtin, BuiltIn::GlobalInvocationId | BuiltIn::NumWorkGroups),
                    "{name}: {builtin:?}"
                );
                if builtin != BuiltIn::WorkGroupId {
                    continue;
                }
                let is_argument = |expression: &naga::Expression| matches!(expression, naga::Expression::FunctionArgument(at) if *at as usize == argument);
                let uses: usize = entry
                    .function
                    .expressions
                    .iter()
                    .filter(|(_, expression)| is_argument(expression))
                    .map(|(handle, _)| info.get_entry_point(index)[handle].ref_count)
                    .sum();
                let calls = entry.function.body.iter().filter(|statement| {
                    matches!(statement, naga::Statement::Call { function, .. } if *function == group_number)
                });
                assert_eq!((uses, calls.count()), (1, 1), "{name}");
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "{asked}");
}
