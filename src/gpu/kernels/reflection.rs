//! Tests: what dispatches declare about their shaders, against what naga finds in the shaders.

use super::*;
use crate::{
    gpu::{Resources, Vendor},
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

    /// How an entry point and all that it calls use each binding, by group and binding.
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

/// A task's dispatches with the slots that it reads and writes.
struct Lowered {
    name: String,
    choice: Option<Choice>,
    dispatches: Vec<Dispatch>,
    slots: Option<(Vec<SlotId>, Vec<SlotId>)>,
}

/// Devices that between them get every kernel.
fn devices() -> [Abilities; 2] {
    let resources = Resources { invocations: 1024, workgroup_memory: 48 << 10, storage_buffers: 16 };
    let device = Abilities {
        vendor: Vendor::Nvidia,
        filling_groups: 1,
        resources,
        cooperative_matrices: true,
        largest_subgroup: 32,
    };
    [device, Abilities { resources: Resources::WEBGPU_MINIMUM, ..device }]
}

/// The tasks that any setting makes of the cases, and the probes.
fn everything() -> Vec<Lowered> {
    let mut all = Vec::new();
    let cases: Vec<Case> = validate::all_cases(false);
    for abilities in devices() {
        for (case, precision) in cases.iter().flat_map(|case| [(case, Precision::F32), (case, Precision::F16)]) {
            let plan = Plan { precision, ..case.plan.clone() };
            all.extend(possible_tasks(&plan, abilities).iter().map(|task| Lowered {
                name: format!("{} in {precision} by {}", case.name, task.choice),
                choice: Some(task.choice),
                dispatches: lower(&plan, task).0,
                slots: Some(slots(&plan, task)),
            }));
        }
    }
    let probes = vec![probe_arithmetic(3, 1, 1.0, 1.0), probe_cooperative(2, 128, 1), probe_bandwidth(5)];
    all.push(Lowered { name: "probe".to_owned(), choice: None, dispatches: probes, slots: None });
    all
}

/// The slots that a task reads and writes. A slot that the first of two steps writes for the second counts as neither,
/// unless the second exists to produce it.
fn slots(plan: &Plan, task: &Task<'_>) -> (Vec<SlotId>, Vec<SlotId>) {
    let steps = &plan.steps[task.steps()];
    let (mut reads, mut writes) = steps[0].slots();
    for step in &steps[1..] {
        let (read, written) = step.slots();
        let between: Vec<SlotId> = read.iter().filter(|slot| writes.contains(slot)).copied().collect();
        reads.extend(read);
        writes.extend(written);
        reads.retain(|slot| !between.contains(slot));
        writes.retain(|slot| !between.contains(slot) || step.makes() == *slot);
    }
    (reads, writes)
}

/// Every text of every shader.
fn reflected() -> HashMap<(&'static str, Precision), Reflected> {
    let texts = SHADERS.iter().flat_map(|shader| shader.precisions().iter().map(move |&precision| (shader, precision)));
    texts.map(|(shader, precision)| ((shader.name, precision), Reflected::new(shader, precision))).collect()
}

/// The text that a dispatch runs; where there is one for all precisions, it counts as that for f32.
fn shader_of<'a>(reflected: &'a HashMap<(&'static str, Precision), Reflected>, dispatch: &Dispatch) -> &'a Reflected {
    let shader = SHADERS.iter().find(|shader| shader.name == dispatch.shader).unwrap();
    let precisions = shader.precisions();
    let precision = if precisions.len() == 1 { precisions[0] } else { dispatch.precision };
    &reflected[&(dispatch.shader, precision)]
}

#[test]
fn dispatches_say_what_their_shaders_say() {
    let reflected = reflected();
    let mut seen = BTreeSet::new();
    for lowered in everything() {
        let mut used_slots = [BTreeSet::new(), BTreeSet::new()];
        for dispatch in &lowered.dispatches {
            let name = format!("{} by {}, {}", lowered.name, dispatch.shader, dispatch.entry);
            let shader = shader_of(&reflected, dispatch);
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
            // A probe works on no slot; its buffers are bound when it runs.
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
        // Some written slots are also read if a flag says so, and scratch is read by a second dispatch.
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

/// The resources that a dispatch needs.
fn needs(shader: &Reflected, dispatch: &Dispatch) -> Resources {
    let entry = Some((naga::ShaderStage::Compute, dispatch.entry));
    let constants = dispatch.constants.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    let (module, info) =
        naga::back::pipeline_constants::process_overrides(&shader.module, &shader.info, entry, &constants).unwrap();
    let index = module.entry_points.iter().position(|entry| entry.name == dispatch.entry).unwrap();
    let used = |space: fn(naga::AddressSpace) -> bool| {
        let globals = module.global_variables.iter();
        let used = globals.filter(|(handle, _)| !info.get_entry_point(index)[*handle].is_empty());
        used.map(|(_, global)| global).filter(|global| space(global.space)).collect::<Vec<_>>()
    };
    let bytes = |global: &&naga::GlobalVariable| module.types[global.ty].inner.size(module.to_ctx());
    Resources {
        invocations: module.entry_points[index].workgroup_size.iter().product(),
        // As WebGPU counts.
        workgroup_memory: used(|space| space == naga::AddressSpace::WorkGroup)
            .iter()
            .map(|global| bytes(global).next_multiple_of(16))
            .sum(),
        storage_buffers: used(|space| matches!(space, naga::AddressSpace::Storage { .. })).len() as u32,
    }
}

#[test]
fn kernels_take_what_their_table_says() {
    let reflected = reflected();
    // For tables that several operations share, the most that any of them needs.
    let mut declared: BTreeMap<String, (Resources, Resources)> = BTreeMap::new();
    for Lowered { name, choice, dispatches, .. } in everything() {
        let Some(choice) = choice else { continue };
        let declaration = choice.kernel.needs(choice.tile);
        let key = format!("{:?} {:?} {:?}", choice.operation.kernels, choice.kernel, choice.tile);
        for dispatch in &dispatches {
            let needs = needs(shader_of(&reflected, dispatch), dispatch);
            assert!(needs.fit(declaration), "{name} needs {needs:?}, more than {declaration:?}");
            let (_, most) = declared.entry(key.clone()).or_insert((declaration, needs));
            most.invocations = most.invocations.max(needs.invocations);
            most.workgroup_memory = most.workgroup_memory.max(needs.workgroup_memory);
            most.storage_buffers = most.storage_buffers.max(needs.storage_buffers);
        }
    }
    for (key, (declaration, most)) in declared {
        // Operations with one kernel share a table that says no more than what every device has.
        assert!(declaration == most || declaration == Resources::WEBGPU_MINIMUM, "{most:?} of {key}");
    }
}

/// A kernel that mistakes its tile for the whole map, or its block for all channels, is found only with several.
#[test]
fn every_tile_has_a_case_of_several_tiles_in_both_directions() {
    let mut covered: BTreeMap<String, bool> = BTreeMap::new();
    let cases = validate::all_cases(false);
    for abilities in devices() {
        for (case, precision) in cases.iter().flat_map(|case| [(case, Precision::F32), (case, Precision::F16)]) {
            let plan = Plan { precision, ..case.plan.clone() };
            for task in possible_tasks(&plan, abilities) {
                let Choice { operation, kernel, tile } = task.choice;
                // The others have no tiles in workgroup memory.
                if matches!(kernel.variant, Variant::Plain | Variant::Blocked) {
                    continue;
                }
                let channels = WorkShape::of(&plan.steps[task.first], precision).outputs;
                let Groups::Many(groups) = lower(&plan, &task).0[0].groups else { panic!("{}", task.choice) };
                let columns = channels / tile.columns;
                let rows = if operation.name == "gram" { channels / tile.rows } else { groups / columns };
                *covered.entry(task.choice.to_string()).or_default() |= rows > 1 && columns > 1;
            }
        }
    }
    let missing: Vec<_> = covered.iter().filter(|(_, several)| !**several).map(|(choice, _)| choice).collect();
    assert!(missing.is_empty() && covered.len() > 15, "{missing:?} of {covered:?}");
}
