//! Checks of the workspace that cargo itself does not make: `cargo xtask layers`, `cargo xtask egress`.

mod egress;
mod layers;

fn main() -> anyhow::Result<()> {
    let task = std::env::args().nth(1);
    match task.as_deref() {
        Some("egress") => egress::check(),
        Some("layers") => layers::check(),
        _ => anyhow::bail!("usage: cargo xtask layers | egress"),
    }
}
