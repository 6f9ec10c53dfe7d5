// What the host tells the vector operations of L-BFGS.
struct LbfgsControl {
    // Rows of the history where the newest step and the newest difference of gradients go.
    step_row: u32,
    difference_row: u32,
    // How far a trial goes along the direction.
    distance: f32,
    unused: u32,
    // One for each row of the history.
    coefficients: array<f32>,
}
