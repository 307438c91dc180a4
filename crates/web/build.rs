//! A new front end means a new binary.
fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
