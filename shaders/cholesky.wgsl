// A = L L^T and M = L^-1 in rounds: each takes the next block of 64 rows on the diagonal and eliminates its columns from the
// rows below. To the right of the eliminated columns M's array holds what is left of A, to the left what the same eliminations
// make of the unit matrix: in the end M.
//
//   cholesky_diagonal  the round's block of L and of M on the diagonal
//   cholesky_panel     block b of the round's column of L below the diagonal, or of its row of M before it
//   cholesky_update    rows below, up to the diagonal
//
// bindings  1 matrix A [C][C]   2 factor L [C][C]   3 inverse M [C][C]
// tile      64 x 64 values, 4 x 4 per invocation
// dispatch  one workgroup of 256; C / 64 workgroups of 256; (C / 64 - round - 1) x C / 64 workgroups of 256, columns
//           fastest; once for each round. C a multiple of 64

struct Params {
    channels: u32,
    round: u32,
    // Least pivot, as a part of A's entry.
    pivot_part: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
@group(0) @binding(2) var<storage, read_write> factor: array<f32>;
@group(0) @binding(3) var<storage, read_write> inverse: array<f32>;

const EDGE = 64u;
const TILE = EDGE * EDGE;
// Inner values that are in workgroup memory together.
const CHUNK = 16u;
const LANES = 256u;

const MATRIX = 0u;
const FACTOR = 1u;
const INVERSE = 2u;

var<workgroup> tile: array<f32, TILE>;

// A block of 64 x 64 values in one of the arrays.
struct Block {
    array: u32,
    row: u32,
    column: u32,
    transposed: bool,
}

fn place(row: u32, column: u32) -> u32 {
    return row * params.channels + column;
}

fn value_at(array: u32, index: u32) -> f32 {
    if array == MATRIX {
        return matrix[index];
    }
    if array == FACTOR {
        return factor[index];
    }
    return inverse[index];
}

fn block_value(block: Block, row: u32, column: u32) -> f32 {
    let inside = select(place(row, column), place(column, row), block.transposed);
    return value_at(block.array, EDGE * place(block.row, block.column) + inside);
}

// Where what is left of A is.
fn rest() -> u32 {
    return select(INVERSE, MATRIX, params.round == 0u);
}

// Rows 4 (lane / 16) to + 3 and columns 4 (lane % 16) to + 3 of a product; [i] is row i.
fn product(left: Block, right: Block, lane: u32) -> mat4x4<f32> {
    let row = lane / 16u * 4u;
    let column = lane % 16u * 4u;
    var sums = mat4x4<f32>();
    // The first half of the tile holds rows of left, the second columns of right, both with the inner value slowest.
    let half = CHUNK * EDGE;
    for (var chunk = 0u; chunk < EDGE; chunk += CHUNK) {
        for (var item = lane; item < half; item += LANES) {
            let inner = item / EDGE;
            tile[item] = block_value(left, item % EDGE, chunk + inner);
            tile[half + item] = block_value(right, chunk + inner, item % EDGE);
        }
        workgroupBarrier();
        for (var inner = 0u; inner < CHUNK; inner++) {
            let at = inner * EDGE;
            let of_right = half + at + column;
            let columns = vec4<f32>(tile[of_right], tile[of_right + 1u], tile[of_right + 2u], tile[of_right + 3u]);
            sums[0] += tile[at + row] * columns;
            sums[1] += tile[at + row + 1u] * columns;
            sums[2] += tile[at + row + 2u] * columns;
            sums[3] += tile[at + row + 3u] * columns;
        }
        workgroupBarrier();
    }
    return sums;
}

@compute @workgroup_size(LANES)
fn cholesky_diagonal(@builtin(local_invocation_index) lane: u32) {
    let first = EDGE * params.round;
    for (var item = lane; item < TILE; item += LANES) {
        tile[item] = value_at(rest(), place(first + item / EDGE, first + item % EDGE));
    }
    workgroupBarrier();
    for (var pivot = 0u; pivot < EDGE; pivot++) {
        let square = tile[pivot * (EDGE + 1u)];
        let least = params.pivot_part * matrix[place(first + pivot, first + pivot)];
        // A comparison keeps a NaN.
        let root = sqrt(select(square, least, square < least));
        workgroupBarrier();
        if lane == pivot {
            tile[pivot * (EDGE + 1u)] = root;
        } else if lane > pivot && lane < EDGE {
            tile[lane * EDGE + pivot] /= root;
        }
        workgroupBarrier();
        for (var item = lane; item < TILE; item += LANES) {
            let row = item / EDGE;
            let column = item % EDGE;
            if column > pivot && column <= row {
                tile[item] -= tile[row * EDGE + pivot] * tile[column * EDGE + pivot];
            }
        }
        workgroupBarrier();
    }
    // Column `lane` of the inverse, kept in row `lane` to the right of the diagonal, which is free.
    if lane < EDGE {
        let own = lane * EDGE;
        for (var row = lane + 1u; row < EDGE; row++) {
            var sum = tile[row * EDGE + lane] / tile[own + lane];
            for (var inner = lane + 1u; inner < row; inner++) {
                sum += tile[row * EDGE + inner] * tile[own + inner];
            }
            tile[own + row] = -sum / tile[row * (EDGE + 1u)];
        }
    }
    workgroupBarrier();
    for (var item = lane; item < TILE; item += LANES) {
        let row = item / EDGE;
        let column = item % EDGE;
        let index = place(first + row, first + column);
        var of_inverse = tile[column * EDGE + row];
        if row == column {
            of_inverse = 1.0 / of_inverse;
        }
        factor[index] = select(0.0, tile[item], column <= row);
        inverse[index] = select(0.0, of_inverse, column <= row);
    }
}

@compute @workgroup_size(LANES)
fn cholesky_panel(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let block = group_number(group);
    let round = params.round;
    if block == round {
        return;
    }
    let below = block > round;
    let corner = Block(INVERSE, round, round, below);
    var left = corner;
    var right = Block(INVERSE, round, block, false);
    if below {
        left = Block(rest(), block, round, false);
        right = corner;
    }
    let values = product(left, right, lane);
    let row = lane / 16u * 4u;
    let column = lane % 16u * 4u;
    for (var i = 0u; i < 4u; i++) {
        for (var j = 0u; j < 4u; j++) {
            let in_row = EDGE * place(round, block) + place(row + i, column + j);
            if below {
                factor[EDGE * place(block, round) + place(row + i, column + j)] = values[i][j];
                factor[in_row] = 0.0;
                inverse[in_row] = 0.0;
            } else {
                inverse[in_row] = values[i][j];
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn cholesky_update(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let blocks = params.channels / EDGE;
    let round = params.round;
    let block_row = round + 1u + number / blocks;
    let block_column = number % blocks;
    if block_column > block_row {
        return;
    }
    var right = Block(INVERSE, round, block_column, false);
    if block_column > round {
        right = Block(FACTOR, block_column, round, true);
    }
    let values = product(Block(FACTOR, block_row, round, false), right, lane);
    let row = lane / 16u * 4u;
    let column = lane % 16u * 4u;
    for (var i = 0u; i < 4u; i++) {
        for (var j = 0u; j < 4u; j++) {
            let index = EDGE * place(block_row, block_column) + place(row + i, column + j);
            var old = 0.0;
            if block_column > round {
                old = value_at(rest(), index);
            } else if block_column < round {
                old = inverse[index];
            }
            inverse[index] = old - values[i][j];
        }
    }
}
