// The numbers for steps towards a polar factor, from the squared Frobenius norm n^2 of a matrix and a lower bound of its
// least singular value: (1 / n, 0), then (-a^3 / 2, 3 a / 2) for a Newton-Schulz step, (c, 1) and (a - b / c, b / c) for a Halley
// step; u of the first step is divided by n^2. plan::PolarFactors has the formulas.
//
// bindings  1 squares, the first n^2   2 scalars, the first e   3 factors
// dispatch  one invocation

struct Params {
    steps: u32,
    // Bit i: whether step i is Halley's.
    halley: u32,
    // Least value of the bound.
    floor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> squares: array<f32>;
@group(0) @binding(2) var<storage, read> scalars: array<f32>;
@group(0) @binding(3) var<storage, read_write> factors: array<vec2<f32>>;

@compute @workgroup_size(1)
fn polar_factors() {
    let norm = max(sqrt(squares[0]), 1e-30);
    var least = clamp(scalars[0] / norm, params.floor, 1.0);
    factors[0] = vec2<f32>(1.0 / norm, 0.0);
    var next = 1u;
    for (var step = 0u; step < params.steps; step++) {
        if ((params.halley >> step) & 1u) == 1u {
            let square = least * least;
            let d = pow(max(4.0 * (1.0 - square), 1e-30) / (square * square), 1.0 / 3.0);
            let root = sqrt(1.0 + d);
            let a = root + 0.5 * sqrt(8.0 - 4.0 * d + 8.0 * (2.0 - square) / (square * root));
            let b = 0.25 * (a - 1.0) * (a - 1.0);
            let c = a + b - 1.0;
            factors[next] = vec2<f32>(c, 1.0);
            factors[next + 1u] = vec2<f32>(a - b / c, b / c);
            least = min(least * (a + b * square) / (1.0 + c * square), 1.0);
            next += 2u;
        } else {
            let scale = select(sqrt(3.0 / (1.0 + least + least * least)), 1.0, least > 0.999);
            factors[next] = vec2<f32>(-0.5 * scale * scale * scale, 1.5 * scale);
            let scaled = scale * least;
            least = scaled * (3.0 - scaled * scaled) / 2.0;
            next += 1u;
        }
    }
    factors[1].x = factors[1].x / norm / norm;
}
