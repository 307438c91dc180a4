//! Checks of the workspace that cargo itself does not make: `cargo xtask layers`.

mod layers;

fn main() -> anyhow::Result<()> {
    let task = std::env::args().nth(1);
    match task.as_deref() {
        Some("layers") => layers::check(),
        _ => anyhow::bail!("usage: cargo xtask layers"),
    }
}
