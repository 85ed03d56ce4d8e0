//! What the name of an image says of the nodes that it is for. A name may mislead; what says two things says nothing.

use model::{Architecture, GpuVendor};

/// The architecture that the file's name, or the end of the address, says.
pub(super) fn architecture(image: &str) -> Option<Architecture> {
    let name = last(image);
    let says = |words: [&str; 3]| words.iter().any(|word| name.contains(word));
    match (says(["aarch64", "arm64", "sbsa"]), says(["x86_64", "x86-64", "amd64"])) {
        (true, false) => Some(Architecture::Aarch64),
        (false, true) => Some(Architecture::X86_64),
        _ => None,
    }
}

/// Whose GPUs it says: by the names of their software, each at the beginning of a word.
pub(super) fn vendor(image: &str) -> Option<GpuVendor> {
    let name = last(image);
    let words = || name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let says = |names: &[&str]| words().any(|word| names.iter().any(|name| word.starts_with(name)));
    let all = [
        (GpuVendor::Nvidia, says(&["cuda", "nvidia"])),
        (GpuVendor::Amd, says(&["rocm"])),
        (GpuVendor::Intel, says(&["xpu", "ipex"])),
    ];
    let mut said = all.into_iter().filter(|(_, is_said)| *is_said).map(|(vendor, _)| vendor);
    said.next().filter(|_| said.next().is_none())
}

fn last(image: &str) -> String {
    image.trim_end_matches('/').rsplit('/').next().unwrap_or(image).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are_for() {
        for (image, of, whose) in [
            ("/e/torch-aarch64-cuda13.sif", Some(Architecture::Aarch64), Some(GpuVendor::Nvidia)),
            ("docker://rocm/pytorch:latest", None, None),
            ("docker://rocm/pytorch:rocm6.3_x86-64", Some(Architecture::X86_64), Some(GpuVendor::Amd)),
            ("torch_amd64.sif", Some(Architecture::X86_64), None),
            ("torch-2.8-xpu.sif", None, Some(GpuVendor::Intel)),
            ("cuda-to-rocm.sif", None, None),
            ("barracuda.sif", None, None),
            ("arm64-and-amd64.sif", None, None),
            ("/rocm/images/torch/", None, None),
        ] {
            assert_eq!((architecture(image), vendor(image)), (of, whose), "{image}");
        }
    }
}
