//! A kernel's parameters: the struct `Params` of its shader, as a Rust struct with the same members.

/// A member of such a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: &'static str,
    /// Bytes before it.
    pub offset: usize,
    /// Its type in WGSL.
    pub wgsl: &'static str,
}

/// Structs that shaders read as their uniform `params`. [`params`] declares them.
pub trait Uniform: bytemuck::Pod {
    /// All of them, in order.
    const MEMBERS: &'static [Member];
}

/// Types that members have.
pub trait MemberType {
    /// The name in WGSL.
    const WGSL: &'static str;
}

impl MemberType for u32 {
    const WGSL: &'static str = "u32";
}

impl MemberType for f32 {
    const WGSL: &'static str = "f32";
}

impl MemberType for [f32; 4] {
    const WGSL: &'static str = "vec4<f32>";
}

/// The contents of a uniform.
#[derive(Clone, Debug)]
pub struct Params {
    bytes: Vec<u8>,
    /// Names, places and types.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests compare them with the shader's own"))]
    pub members: &'static [Member],
}

impl Params {
    /// The uniform `launch` of a launch that begins with workgroup `first_group` out of the dispatch's total.
    pub fn launch(first_group: u32, groups: u32) -> Params {
        Params::new(&Launch { first_group, groups })
    }

    pub fn new<U: Uniform>(uniform: &U) -> Params {
        let mut bytes = bytemuck::bytes_of(uniform).to_vec();
        // WGSL rounds the size up where a member is a vector; more is never wrong.
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        Params { bytes, members: U::MEMBERS }
    }

    /// At least as many as the shader reads: a multiple of 16.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Declares a struct that a shader reads as its uniform `params`: the same names, types and order as there.
macro_rules! params {
    ($(#[$attribute:meta])* struct $name:ident { $($(#[$doc:meta])* $member:ident: $type:ty,)* }) => {
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub(super) struct $name {
            $($(#[$doc])* pub(super) $member: $type,)*
        }

        impl $crate::gpu::kernels::params::Uniform for $name {
            const MEMBERS: &'static [$crate::gpu::kernels::params::Member] = &[
                $($crate::gpu::kernels::params::Member {
                    name: stringify!($member),
                    offset: std::mem::offset_of!($name, $member),
                    wgsl: <$type as $crate::gpu::kernels::params::MemberType>::WGSL,
                },)*
            ];
        }
    };
}

pub(super) use params;

params! {
    /// `shared/launch.wgsl`.
    struct Launch {
        first_group: u32,
        groups: u32,
    }
}
