//! What `flash` would do for each board, word by word.

use ocelli_deploy::{Flash, FlashError, KeyError};
use ocelli_simulator::Board;

/// With the paths of this computer replaced.
fn plan(name: &str) -> String {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flash.rs");
    let flash = Flash::new(Board::named(name).unwrap(), model.as_ref(), None).unwrap();
    let mut text = flash.build_text() + "\n";
    for way in flash.ways() {
        text += &format!("{way}:\n");
        flash.steps(&way).iter().for_each(|step| text += &format!("    {step}\n"));
    }
    let target = ocelli_simulator::target_directory().unwrap();
    let model = std::fs::canonicalize(model).unwrap();
    text.replace(&target.display().to_string(), "TARGET").replace(&model.display().to_string(), "MODEL")
}

#[test]
fn the_pico() {
    assert_eq!(
        plan("pico"),
        "OCELLI_MODEL=MODEL cargo build --target thumbv6m-none-eabi --profile firmware --package ocelli-pico \
         --features programs --bin pico-detect\n\
         a debug probe at the RP2040:\n    \
         probe-rs download --chip RP2040 --verify TARGET/boards/pico-detect.elf\n    \
         probe-rs reset --chip RP2040\n\
         the boot drive RPI-RP2, mounted:\n    \
         write /media/RPI-RP2/firmware.uf2 as UF2, family 0xe48bff56\n"
    );
}

#[test]
fn the_pico_2() {
    assert_eq!(
        plan("pico2"),
        "OCELLI_MODEL=MODEL CARGO_TARGET_THUMBV8M_MAIN_NONE_EABIHF_RUSTFLAGS='-C target-cpu=cortex-m33' cargo build \
         --target thumbv8m.main-none-eabihf --profile firmware --package ocelli-pico2 --features programs \
         --bin pico2-detect\n\
         a debug probe at the RP235x:\n    \
         probe-rs download --chip RP235x --verify TARGET/boards/pico2-detect.elf\n    \
         probe-rs reset --chip RP235x\n\
         the boot drive RP2350, mounted:\n    \
         write /media/RP2350/firmware.uf2 as UF2, family 0xe48bff59\n"
    );
}

#[test]
fn the_stm32h743() {
    assert_eq!(
        plan("stm32h743"),
        "OCELLI_MODEL=MODEL cargo build --target thumbv7em-none-eabihf --profile firmware --package ocelli-stm32h743 \
         --features programs --bin stm32h743-detect\n\
         a debug probe at the STM32H743ZITx:\n    \
         probe-rs download --chip STM32H743ZITx --verify TARGET/boards/stm32h743-detect.elf\n    \
         probe-rs reset --chip STM32H743ZITx\n\
         the boot loader 0483:df11 on USB:\n    \
         write TARGET/boards/stm32h743-detect.bin, the bytes from 0x08000000 on\n    \
         dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08000000:leave --download \
         TARGET/boards/stm32h743-detect.bin\n"
    );
}

#[test]
fn the_nano_33_ble() {
    assert_eq!(
        plan("nano33ble"),
        "OCELLI_MODEL=MODEL cargo build --target thumbv7em-none-eabihf --profile firmware --package ocelli-nano33ble \
         --features programs --bin nano33ble-detect\n\
         a debug probe at the nRF52840_xxAA:\n    \
         probe-rs download --chip nRF52840_xxAA --verify TARGET/boards/nano33ble-detect.elf\n    \
         probe-rs reset --chip nRF52840_xxAA\n"
    );
}

#[test]
fn a_trusted_key_goes_into_the_firmware() {
    let [model, key] = [concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flash.rs"), "ocelli-flash-test.pub"];
    let key = std::env::temp_dir().join(format!("{}-{key}", std::process::id()));
    let flash = || Flash::new(Board::named("pico").unwrap(), model.as_ref(), Some(&key));
    assert!(matches!(flash(), Err(FlashError::Key(KeyError::File { .. }))));
    std::fs::write(&key, "0123").unwrap();
    assert!(matches!(flash(), Err(FlashError::Key(KeyError::Malformed { .. }))));
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    let text = flash().unwrap().build_text();
    let whole = std::fs::canonicalize(&key).unwrap();
    assert!(text.contains(&format!(" OCELLI_KEY={} cargo build", whole.display())), "{text}");
    std::fs::remove_file(&key).unwrap();
}
