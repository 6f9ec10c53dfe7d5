//! Dispatches with their pipelines and everything bound, in pieces that a device can take at once.

use super::{
    Gpu,
    kernels::{Dispatch, Groups, Params},
};
use crate::BackendError;

/// The most work of one launch (see [`super::speed::work`] for the unit), so that a single launch keeps slow devices
/// busy only briefly: 80 ms at 100 GFLOP/s.
pub(super) const LAUNCH_WORK: f64 = 8e9;
/// Workgroups along x that every device can launch at once.
pub(super) const LAUNCH_GROUPS: u32 = 65_535;

/// A dispatch or a piece of one, ready to be recorded.
pub(super) struct Launch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    /// Which piece; a dispatch of a single workgroup has no pieces.
    piece: Option<wgpu::BindGroup>,
    groups: u32,
    /// Its share of the dispatch's work.
    pub work: f64,
}

impl Launch {
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        if let Some(piece) = &self.piece {
            pass.set_bind_group(1, piece, &[]);
        }
        pass.dispatch_workgroups(self.groups, 1, 1);
    }
}

/// The launches that carry out a dispatch with these buffers at these bindings, each of at most `most_groups`
/// workgroups and [`LAUNCH_WORK`]. `work` is that of the whole dispatch.
///
/// The layouts come from the entry point: wgpu refuses a dispatch whose bindings are not exactly those it uses, and so
/// also one of many workgroups whose kernel does not read its piece.
///
/// # Errors
/// If there is no memory for its uniforms.
pub(super) fn launches(
    gpu: &Gpu,
    dispatch: &Dispatch,
    buffers: &[(u32, wgpu::Buffer)],
    work: f64,
    most_groups: u32,
) -> Result<Vec<Launch>, BackendError> {
    let pipeline = gpu.pipelines.get(dispatch);
    let bind = |group: u32, uniform: &Params, buffers: &[(u32, wgpu::Buffer)]| -> Result<_, BackendError> {
        let uniform = gpu.buffer_with("uniform", uniform.bytes(), wgpu::BufferUsages::UNIFORM)?;
        let all = [(0, &uniform)].into_iter().chain(buffers.iter().map(|(binding, buffer)| (*binding, buffer)));
        let entries: Vec<wgpu::BindGroupEntry<'_>> = all
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        Ok(gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(dispatch.entry),
            layout: &pipeline.get_bind_group_layout(group),
            entries: &entries,
        }))
    };
    let bind_group = bind(0, &dispatch.params, buffers)?;
    let launch = |piece, groups, work| Launch {
        pipeline: pipeline.clone(),
        bind_group: bind_group.clone(),
        piece,
        groups,
        work,
    };
    match dispatch.groups {
        Groups::Single => Ok(vec![launch(None, 1, work)]),
        Groups::Many(all) => pieces(all, work, most_groups)
            .map(|(first, groups)| {
                let piece = bind(1, &Params::launch(first, all), &[])?;
                Ok(launch(Some(piece), groups, work * f64::from(groups) / f64::from(all)))
            })
            .collect(),
    }
}

/// Runs of workgroups, (first, count), small enough for one launch each.
fn pieces(groups: u32, work: f64, most_groups: u32) -> impl Iterator<Item = (u32, u32)> {
    let by_work = f64::from(groups) * (LAUNCH_WORK / work.max(1.0));
    let piece = (by_work as u32).clamp(1, most_groups);
    (0..groups).step_by(piece as usize).map(move |first| (first, piece.min(groups - first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_groups_once_and_keep_to_both_bounds() {
        for (groups, work) in [(1, 0.0), (65_536, 1e3), (1_000_003, 1e6), (500, 1e12), (3, 1e15)] {
            for most_groups in [1, 3, LAUNCH_GROUPS] {
                let mut next = 0;
                for (first, count) in pieces(groups, work, most_groups) {
                    assert_eq!(first, next);
                    assert!(count <= most_groups);
                    assert!(count == 1 || work / f64::from(groups) * f64::from(count) <= LAUNCH_WORK);
                    next += count;
                }
                assert_eq!(next, groups);
            }
        }
    }
}
