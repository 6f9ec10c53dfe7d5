// What steps keep from one iteration to the next.
struct IterationState {
    evaluations: u32,
    // Whether a loss was not finite, 0 or 1.
    halted: u32,
    // b1^t, b2^t and d^t of Adam after t steps.
    mean_power: f32,
    square_power: f32,
    average_power: f32,
}
