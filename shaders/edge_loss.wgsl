// Laplacian loss of the picture x, averaged over cells of 4 x 4 pixels: L(x) is the sum of a cell's differences from its
// neighbours above, below, left and right, as many as there are.
//
//   edge_difference  D = L(x) - T, and partial sums of D^2
//   edge_gradient    image_gradient += b L(D) / 16 for each pixel of a cell, b = coefficients[2 loss + 1]
//
// bindings  1 image [H][W][3]   2 target T [H/4][W/4][3]   3 difference D, like T   4 partials [workgroups]
//           5 coefficients   6 image_gradient [H][W][3]
// dispatch  up to 256 workgroups of 256, each strides over the values of D; then over those of the cells' pixels;
//           reduce_loss.wgsl adds the partial sums

struct Params {
    width: u32,
    // Whole cells.
    columns: u32,
    rows: u32,
    loss: u32,
}

const EDGE = 4u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read> edge_target: array<f32>;
@group(0) @binding(3) var<storage, read_write> difference: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read> coefficients: array<f32>;
@group(0) @binding(6) var<storage, read_write> image_gradient: array<f32>;

// A channel's mean over a cell.
fn cell_mean(column: u32, row: u32, channel: u32) -> f32 {
    var sum = 0.0;
    for (var y = 0u; y < EDGE; y++) {
        for (var x = 0u; x < EDGE; x++) {
            sum += image[3u * ((EDGE * row + y) * params.width + EDGE * column + x) + channel];
        }
    }
    return sum / f32(EDGE * EDGE);
}

fn place_of(column: u32, row: u32, channel: u32) -> u32 {
    return 3u * (row * params.columns + column) + channel;
}

@compute @workgroup_size(256)
fn edge_difference(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    var sum = 0.0;
    let values = 3u * params.columns * params.rows;
    for (var index = number * 256u + lane; index < values; index += launch.groups * 256u) {
        let channel = index % 3u;
        let column = index / 3u % params.columns;
        let row = index / 3u / params.columns;
        let own = cell_mean(column, row, channel);
        var edge = 0.0;
        if column > 0u {
            edge += own - cell_mean(column - 1u, row, channel);
        }
        if column + 1u < params.columns {
            edge += own - cell_mean(column + 1u, row, channel);
        }
        if row > 0u {
            edge += own - cell_mean(column, row - 1u, channel);
        }
        if row + 1u < params.rows {
            edge += own - cell_mean(column, row + 1u, channel);
        }
        let value = edge - edge_target[index];
        sum += value * value;
        difference[index] = value;
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}

@compute @workgroup_size(256)
fn edge_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let scale = coefficients[2u * params.loss + 1u] / f32(EDGE * EDGE);
    let line = 3u * EDGE * params.columns;
    let values = line * EDGE * params.rows;
    for (var index = group_number(group) * 256u + lane; index < values; index += launch.groups * 256u) {
        let channel = index % 3u;
        let x = index % line / 3u;
        let y = index / line;
        let column = x / EDGE;
        let row = y / EDGE;
        let own = difference[place_of(column, row, channel)];
        var edge = 0.0;
        if column > 0u {
            edge += own - difference[place_of(column - 1u, row, channel)];
        }
        if column + 1u < params.columns {
            edge += own - difference[place_of(column + 1u, row, channel)];
        }
        if row > 0u {
            edge += own - difference[place_of(column, row - 1u, channel)];
        }
        if row + 1u < params.rows {
            edge += own - difference[place_of(column, row + 1u, channel)];
        }
        image_gradient[3u * (y * params.width + x) + channel] += scale * edge;
    }
}
