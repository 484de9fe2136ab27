"""Write resources/boards/sample.kicad_pcb, a field sensor hub made up for this project; the same bytes every time.

Run it with ``python tests/make_sample_board.py [FILE]``.
"""

from __future__ import annotations

import math
import re
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEFT, TOP, WIDTH, HEIGHT, CORNER = 100.0, 60.0, 100.0, 80.0, 5.0
SAMPLE = Path(__file__).parent.parent / "resources" / "boards" / "sample.kicad_pcb"
NAMESPACE = uuid.UUID("6f1d0c52-2a54-5d0e-9c39-0d7a3b1f8e11")


class Pad(NamedTuple):
    number: str
    x: float
    y: float
    w: float
    h: float
    shape: str = "roundrect"
    drill: float = 0.0


class Footprint(NamedTuple):
    library: str
    pads: tuple[Pad, ...]
    body: tuple[float, float]
    courtyard: tuple[float, float]


def chip(library: str, pitch: float, w: float, h: float, body: tuple[float, float], yard: tuple[float, float]):
    return Footprint(library, (Pad("1", -pitch, 0, w, h), Pad("2", pitch, 0, w, h)), body, yard)


def dual(library: str, pins: int, pitch: float, span: float, pad: tuple[float, float], body: tuple[float, float], yard):
    """Two rows of pins, counted down the left side and up the right."""
    half = pins // 2
    w, h = pad
    pads = [Pad(str(i + 1), -span, (i - (half - 1) / 2) * pitch, w, h) for i in range(half)]
    pads += [Pad(str(half + i + 1), span, ((half - 1) / 2 - i) * pitch, w, h) for i in range(half)]
    return Footprint(library, tuple(pads), body, yard)


def quad(library: str, side: int, pitch: float, span: float, pad: tuple[float, float], body: float, yard: float):
    """Pins on four sides, counted counter-clockwise from the upper left."""
    pads = []
    for turn in range(4):
        for i in range(side):
            along, number = (i - (side - 1) / 2) * pitch, str(turn * side + i + 1)
            x, y = ((-span, along), (along, span), (span, -along), (-along, -span))[turn]
            w, h = pad if turn % 2 == 0 else pad[::-1]
            pads.append(Pad(number, x, y, w, h))
    return Footprint(library, tuple(pads), (body, body), (yard, yard))


def row(
    library: str, pins: int, pitch: float, pad: float, drill: float, body: tuple[float, float], yard, rows: int = 1
):
    pads = []
    for i in range(pins):
        x, y = (i // rows - (pins // rows - 1) / 2) * pitch, (i % rows - (rows - 1) / 2) * pitch
        pads.append(Pad(str(i + 1), x, y, pad, pad, "rect" if i == 0 else "oval" if rows > 1 else "circle", drill))
    return Footprint(library, tuple(pads), body, yard)


def usb_c() -> Footprint:
    names = ("A1", "A4", "B8", "A5", "B7", "A6", "A7", "B6", "A8", "B5", "A9", "A12")
    pads = [Pad(name, (i - 5.5) * 0.65, -3.2, 0.35, 1.3) for i, name in enumerate(names)]
    pads += [Pad("SH", x, y, 1.0, 2.0, "oval", 0.6) for x in (-4.32, 4.32) for y in (-2.6, 1.5)]
    return Footprint("Connector_USB:USB_C_Receptacle_GCT_USB4105", tuple(pads), (8.94, 7.3), (10.4, 8.4))


def micro_sd() -> Footprint:
    pads = [Pad(str(i + 1), -3.3 + i * 1.1, -6.4, 0.7, 1.6) for i in range(8)]
    pads += [Pad("SH", x, y, 1.2, 1.8, "rect") for x in (-7.2, 7.2) for y in (-5.2, 5.4)]
    return Footprint("Connector_Card:microSD_HC_Hirose_DM3D", tuple(pads), (14.6, 14.2), (16.4, 15.2))


FOOTPRINTS = {
    "R0402": chip("Resistor_SMD:R_0402_1005Metric", 0.51, 0.54, 0.64, (1.0, 0.5), (1.86, 0.94)),
    "C0402": chip("Capacitor_SMD:C_0402_1005Metric", 0.48, 0.56, 0.62, (1.0, 0.5), (1.82, 0.92)),
    "R0603": chip("Resistor_SMD:R_0603_1608Metric", 0.825, 0.8, 0.95, (1.6, 0.8), (2.96, 1.46)),
    "C0603": chip("Capacitor_SMD:C_0603_1608Metric", 0.775, 0.9, 0.95, (1.6, 0.8), (2.96, 1.46)),
    "L0603": chip("Inductor_SMD:L_0603_1608Metric", 0.7875, 0.875, 0.95, (1.6, 0.8), (2.96, 1.46)),
    "C0805": chip("Capacitor_SMD:C_0805_2012Metric", 0.95, 1.0, 1.45, (2.0, 1.25), (3.4, 1.96)),
    "C1210": chip("Capacitor_SMD:C_1210_3225Metric", 1.475, 1.15, 2.7, (3.2, 2.5), (4.6, 3.2)),
    "F1206": chip("Fuse:Fuse_1206_3216Metric", 1.4, 1.25, 1.75, (3.2, 1.6), (4.56, 2.28)),
    "LED": chip("LED_SMD:LED_0603_1608Metric", 0.7875, 0.875, 0.95, (1.6, 0.8), (2.96, 1.46)),
    "SMA": chip("Diode_SMD:D_SMA", 2.0, 2.5, 1.8, (4.3, 2.6), (7.0, 3.5)),
    "IND": chip("Inductor_SMD:L_Bourns-SRN6045", 2.35, 1.6, 5.4, (6.0, 6.0), (6.9, 6.5)),
    "SOT23": Footprint(
        "Package_TO_SOT_SMD:SOT-23",
        (Pad("1", -0.9375, -0.95, 1.475, 0.6), Pad("2", -0.9375, 0.95, 1.475, 0.6), Pad("3", 0.9375, 0, 1.475, 0.6)),
        (1.3, 2.9),
        (3.86, 3.4),
    ),
    "SOT23-5": Footprint(
        "Package_TO_SOT_SMD:SOT-23-5",
        tuple(Pad(str(i + 1), -1.1375, (i - 1) * 0.95, 1.325, 0.6) for i in range(3))
        + (Pad("4", 1.1375, 0.95, 1.325, 0.6), Pad("5", 1.1375, -0.95, 1.325, 0.6)),
        (1.6, 2.9),
        (4.1, 3.4),
    ),
    "SOT23-6": dual("Package_TO_SOT_SMD:SOT-23-6", 6, 0.95, 1.1375, (1.325, 0.6), (1.6, 2.9), (4.1, 3.4)),
    "SOT223": Footprint(
        "Package_TO_SOT_SMD:SOT-223-3_TabPin2",
        tuple(Pad(str(i + 1), -3.15, (i - 1) * 2.3, 2.0, 1.5) for i in range(3)) + (Pad("2", 3.15, 0, 2.0, 3.8),),
        (3.5, 6.5),
        (8.8, 7.1),
    ),
    "SOIC8": dual("Package_SO:SOIC-8_3.9x4.9mm_P1.27mm", 8, 1.27, 2.475, (1.95, 0.6), (3.9, 4.9), (7.4, 5.4)),
    "TSSOP16": dual("Package_SO:TSSOP-16_4.4x5mm_P0.65mm", 16, 0.65, 2.8625, (1.475, 0.4), (4.4, 5.0), (7.7, 5.5)),
    "LGA8": dual("Package_LGA:Bosch_LGA-8_2.5x2.5mm", 8, 0.65, 1.025, (0.5, 0.35), (2.5, 2.5), (3.0, 3.0)),
    "LGA14": quad("Package_LGA:LGA-16_3x3mm_P0.5mm", 4, 0.5, 1.275, (0.6, 0.3), 3.0, 3.5),
    "QFP64": quad("Package_QFP:LQFP-64_10x10mm_P0.5mm", 16, 0.5, 5.675, (1.5, 0.3), 10.0, 13.4),
    "XTAL": Footprint(
        "Crystal:Crystal_SMD_3225-4Pin_3.2x2.5mm",
        (Pad("1", -1.1, 0.85, 1.4, 1.2), Pad("2", 1.1, 0.85, 1.4, 1.2), Pad("3", 1.1, -0.85, 1.4, 1.2))
        + (Pad("4", -1.1, -0.85, 1.4, 1.2),),
        (3.2, 2.5),
        (4.2, 3.4),
    ),
    "SW": chip("Button_Switch_SMD:SW_SPST_TL3342", 3.15, 1.7, 1.0, (5.2, 5.2), (8.3, 5.7)),
    "SWD": row("Connector_PinHeader_1.27mm:PinHeader_2x05", 10, 1.27, 1.0, 0.65, (6.4, 3.4), (7.6, 4.6), rows=2),
    "TERM2": row("TerminalBlock:TerminalBlock_1x02_P5.08mm", 2, 5.08, 2.6, 1.3, (10.2, 9.8), (11.2, 10.8)),
    "TERM3": row("TerminalBlock:TerminalBlock_1x03_P3.81mm", 3, 3.81, 2.2, 1.1, (11.4, 7.2), (12.4, 8.2)),
    "TERM6": row("TerminalBlock:TerminalBlock_1x06_P3.81mm", 6, 3.81, 2.2, 1.1, (22.8, 7.2), (23.8, 8.2)),
    "QWIIC": Footprint(
        "Connector_JST:JST_SH_SM04B-SRSS-TB",
        tuple(Pad(str(i + 1), (i - 1.5) * 1.0, -2.0, 0.6, 1.55) for i in range(4))
        + (Pad("MP", -2.8, 1.875, 1.2, 1.8), Pad("MP", 2.8, 1.875, 1.2, 1.8)),
        (6.0, 4.3),
        (7.8, 6.6),
    ),
    "MODULE": dual("RF_Module:HOPERF_RFM9XW_SMD", 16, 2.0, 7.8, (2.0, 1.0), (16.0, 16.0), (18.4, 17.0)),
    "SMA_RF": Footprint(
        "Connector_Coaxial:SMA_Amphenol_901-143_Horizontal",
        (Pad("1", 0, 0, 1.6, 1.6, "circle", 1.0),)
        + tuple(Pad("2", x, y, 1.6, 1.6, "circle", 1.2) for x in (-2.54, 2.54) for y in (-2.54, 2.54)),
        (7.0, 7.0),
        (8.0, 8.0),
    ),
    "USBC": usb_c(),
    "SD": micro_sd(),
}


class Item(NamedTuple):
    ref: str
    value: str
    footprint: Footprint
    sheet: str
    nets: dict[str, str]
    back: bool
    fixed: tuple[float, float, float] | None


class Design:
    """Parts in the order they are added; references count up by prefix."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._numbers: Counter[str] = Counter()
        self.sheet = ""

    def add(self, prefix: str, value: str, kind: str, *nets: str, back: bool = False, at=None, **named: str) -> None:
        self._numbers[prefix] += 1
        pins = {str(i + 1): net for i, net in enumerate(nets) if net}
        pins.update({key.lstrip("_"): net for key, net in named.items()})
        ref = f"{prefix}{self._numbers[prefix]}"
        self.items.append(Item(ref, value, FOOTPRINTS[kind], self.sheet, pins, back, at))

    def decouple(self, net: str, value: str = "100n", kind: str = "C0402", back: bool = False) -> None:
        self.add("C", value, kind, net, "GND", back=back)


def power(d: Design) -> None:
    d.sheet = "power"
    d.add("J", "12V IN", "TERM2", "VIN_RAW", "GND", at=(7.0, 19.0, 90))
    d.add("F", "2A", "F1206", "VIN_RAW", "VIN_F")
    d.add("D", "SMAJ15A", "SMA", "VIN_F", "GND")
    d.add("U", "LMR33630", "SOIC8", "GND", "VIN_F", "VIN_F", "", "FB_5V", "VCC_BUCK", "BOOT_5V", "SW_5V")
    d.add("L", "6u8", "IND", "SW_5V", "+5V")
    for value, kind, a, b in (
        ("10u 25V", "C1210", "VIN_F", "GND"),
        ("220n", "C0603", "VIN_F", "GND"),
        ("22u", "C1210", "+5V", "GND"),
        ("22u", "C1210", "+5V", "GND"),
        ("100n", "C0402", "BOOT_5V", "SW_5V"),
        ("1u", "C0603", "VCC_BUCK", "GND"),
    ):
        d.add("C", value, kind, a, b)
    d.add("R", "100k", "R0402", "+5V", "FB_5V")
    d.add("R", "24k9", "R0402", "FB_5V", "GND")
    d.add("U", "AMS1117-3.3", "SOT223", "GND", "+3V3", "+5V")
    d.decouple("+5V", "10u", "C0805")
    d.decouple("+3V3", "22u", "C0805")
    d.add("U", "TPS7A2033", "SOT23-5", "+5V", "GND", "+5V", "", "+3V3A")
    d.decouple("+5V", "1u", "C0603")
    d.decouple("+3V3A", "1u", "C0603")
    d.add("D", "green", "LED", "GND", "LED_PWR")
    d.add("R", "1k", "R0402", "+3V3", "LED_PWR")


MCU_PINS: dict[str, str] = dict(
    re.findall(
        r"(\w+):(\S+)",
        "1:+3V3 19:+3V3 32:+3V3 48:+3V3 64:+3V3 13:+3V3F 12:GND 18:GND 31:GND 47:GND 63:GND 5:OSC_IN 6:OSC_OUT 7:NRST "
        "60:BOOT0 46:SWDIO 49:SWCLK 55:SWO 44:USB_DM 45:USB_DP 61:CAN_RX 62:CAN_TX 42:RS_TX 43:RS_RX 41:RS_DE 58:SCL "
        "59:SDA 20:ADC_CS 21:SCK 22:MISO 23:MOSI 24:ADC_RDY 33:FLASH_CS 34:SCK2 35:MISO2 36:MOSI2 8:SD_CLK 9:SD_CMD "
        "10:SD_D0 11:SD_D1 14:SD_D2 15:SD_D3 25:RF_CS 26:RF_IRQ 27:RF_RST 28:SR_CLK 29:SR_DATA 30:SR_LATCH 2:ACC_INT "
        "3:LIGHT_INT",
    )
)


def processor(d: Design) -> None:
    d.sheet = "processor"
    d.items.append(Item("U4", "STM32F446RET6", FOOTPRINTS["QFP64"], d.sheet, MCU_PINS, False, None))
    d._numbers["U"] += 1
    d.add("Y", "8MHz", "XTAL", "OSC_IN", "GND", "OSC_OUT", "GND")
    d.add("C", "12p", "C0402", "OSC_IN", "GND", back=True)
    d.add("C", "12p", "C0402", "OSC_OUT", "GND", back=True)
    for _ in range(6):
        d.decouple("+3V3", back=True)
    d.decouple("+3V3", "4u7", "C0603", back=True)
    d.add("FB", "600R", "L0603", "+3V3", "+3V3F", back=True)
    d.decouple("+3V3F", "1u", "C0402", back=True)
    d.add("R", "10k", "R0402", "+3V3", "NRST")
    d.decouple("NRST")
    d.add("R", "10k", "R0402", "BOOT0", "GND")
    d.add("SW", "RESET", "SW", "NRST", "GND")
    d.add("SW", "BOOT", "SW", "BOOT0", "+3V3")
    d.add("J", "SWD", "SWD", "+3V3", "SWDIO", "GND", "SWCLK", "GND", "SWO", "", "", "GND", "NRST")


def usb(d: Design) -> None:
    d.sheet = "usb"
    d.add(
        "J", "USB-C", "USBC", at=(52.0, 75.0, 0), A1="GND", A12="GND", A4="VBUS", A9="VBUS", A5="CC1", B5="CC2",
        A6="USB_P", B6="USB_P", A7="USB_N", B7="USB_N", SH="GND",
    )  # fmt: skip
    d.add("U", "USBLC6-2SC6", "SOT23-6", "USB_P", "GND", "USB_N", "USB_N", "VBUS", "USB_P")
    d.add("R", "5k1", "R0402", "CC1", "GND")
    d.add("R", "5k1", "R0402", "CC2", "GND")
    d.add("R", "22", "R0402", "USB_P", "USB_DP")
    d.add("R", "22", "R0402", "USB_N", "USB_DM")
    d.add("FB", "120R", "L0603", "VBUS", "VBUS_F")
    d.add("D", "SS14", "SMA", "+5V", "VBUS_F")
    d.decouple("VBUS_F", "4u7", "C0603")


def field_bus(d: Design) -> None:
    d.sheet = "field bus"
    d.add("J", "CAN", "TERM3", "CAN_H", "CAN_L", "GND", at=(17.0, 74.9, 0))
    d.add("U", "TCAN332", "SOIC8", "CAN_TX", "GND", "+3V3", "CAN_RX", "", "CAN_L", "CAN_H", "")
    d.add("R", "120", "R0603", "CAN_H", "CAN_L")
    d.add("D", "PESD2CAN", "SOT23", "CAN_H", "CAN_L", "GND")
    d.decouple("+3V3")
    d.add("J", "RS-485", "TERM3", "RS_A", "RS_B", "GND", at=(33.0, 74.9, 0))
    d.add("U", "MAX3485", "SOIC8", "RS_RX", "RS_DE", "RS_DE", "RS_TX", "GND", "RS_A", "RS_B", "+3V3")
    d.add("R", "120", "R0603", "RS_A", "RS_B")
    d.add("R", "680", "R0402", "+3V3", "RS_A")
    d.add("R", "680", "R0402", "RS_B", "GND")
    d.add("D", "SM712", "SOT23", "RS_A", "RS_B", "GND")
    d.decouple("+3V3")


def sensors(d: Design) -> None:
    d.sheet = "sensors"
    d.add("U", "BME280", "LGA8", "GND", "+3V3", "SDA", "SCL", "GND", "+3V3", "GND", "+3V3")
    d.add("U", "LIS2DH12", "LGA14", "SCL", "+3V3", "GND", "SDA", "", "", "GND", "GND", "", "+3V3", "", "ACC_INT")
    d.add("U", "VEML7700", "SOT23-6", "SCL", "GND", "SDA", "LIGHT_INT", "+3V3", "GND")
    for _ in range(3):
        d.decouple("+3V3")
    d.add("R", "4k7", "R0402", "+3V3", "SCL")
    d.add("R", "4k7", "R0402", "+3V3", "SDA")
    d.add("J", "QWIIC", "QWIIC", "GND", "+3V3", "SDA", "SCL", MP="GND")


def analog(d: Design) -> None:
    d.sheet = "analog"
    d.add("J", "AIN", "TERM6", "AIN1", "AIN2", "AIN3", "AIN4", "+5V", "GND", at=(35.0, 5.1, 180))
    d.add(
        "U", "ADS8688", "TSSOP16", "ADC_CS", "SCK", "MOSI", "MISO", "ADC_RDY", "GND", "+3V3", "+3V3A",
        "REF", "GND", "BUF4", "BUF3", "BUF2", "BUF1", "GND", "+3V3A",
    )  # fmt: skip
    for a, b in ((1, 2), (3, 4)):
        d.add("U", "OPA2376", "SOIC8", f"BUF{a}", f"BUF{a}", f"FLT{a}", "GND", f"FLT{b}", f"BUF{b}", f"BUF{b}", "+3V3A")
        d.decouple("+3V3A", back=True)
    d.add("U", "REF3025", "SOT23", "+3V3A", "REF", "GND")
    d.decouple("REF", "10u", "C0805")
    d.decouple("+3V3A", back=True)
    for n in range(1, 5):
        d.add("D", "BAV99", "SOT23", "GND", "+3V3A", f"AIN{n}", back=n > 2)
        d.add("R", "49k9", "R0603", f"AIN{n}", f"FLT{n}")
        d.add("R", "10k", "R0603", f"FLT{n}", "GND")
        d.add("C", "10n", "C0603", f"FLT{n}", "GND")
        d.add("C", "1n", "C0402", f"AIN{n}", "GND", back=True)


def storage(d: Design) -> None:
    d.sheet = "storage"
    d.add(
        "J", "microSD", "SD", "SD_D2", "SD_D3", "SD_CMD", "+3V3", "SD_CLK", "GND", "SD_D0", "SD_D1",
        SH="GND", at=(91.4, 53.0, 270),
    )  # fmt: skip
    for net in ("SD_CMD", "SD_D0", "SD_D1", "SD_D2", "SD_D3"):
        d.add("R", "47k", "R0402", "+3V3", net)
    d.decouple("+3V3", "10u", "C0805")
    d.add("U", "W25Q128", "SOIC8", "FLASH_CS", "MISO2", "+3V3", "GND", "MOSI2", "SCK2", "+3V3", "+3V3", back=True)
    d.decouple("+3V3", back=True)
    d.add("R", "10k", "R0402", "+3V3", "FLASH_CS", back=True)


def radio(d: Design) -> None:
    d.sheet = "radio"
    d.add(
        "U", "RFM95W", "MODULE", "GND", "MISO2", "MOSI2", "SCK2", "RF_CS", "RF_RST", "", "GND",
        "RF_OUT", "GND", "", "", "+3V3", "RF_IRQ", "", "",
    )  # fmt: skip
    d.add("J", "868 MHz", "SMA_RF", "RF_ANT", "GND", at=(95.0, 22.0, 0))
    d.add("L", "3n9", "L0603", "RF_OUT", "RF_ANT")
    d.add("C", "2p2", "C0402", "RF_OUT", "GND")
    d.add("C", "2p7", "C0402", "RF_ANT", "GND")
    d.decouple("+3V3")
    d.decouple("+3V3", "10u", "C0805")
    d.add("R", "10k", "R0402", "+3V3", "RF_CS")


def indicators(d: Design) -> None:
    d.sheet = "indicators"
    d.add(
        "U", "74HC595", "TSSOP16", *(f"Q{i}" for i in range(1, 8)), "GND", "", "+3V3", "SR_CLK", "SR_LATCH", "GND",
        "SR_DATA", "Q0", "+3V3",
    )  # fmt: skip
    for i, colour in enumerate(("red", "yellow", "green", "blue") * 2):
        d.add("R", "680", "R0402", f"Q{i}", f"LED{i}")
        d.add("D", colour, "LED", "GND", f"LED{i}")
    d.decouple("+3V3")


# Where each sheet's movable parts stand in the file: left, top, width of their area, mm from the board's corner.
AREAS = {
    "power": (14.5, 13.0, 19.5),
    "processor": (36.5, 30.5, 30.0),
    "usb": (59.0, 68.2, 22.0),
    "field bus": (7.5, 56.2, 36.0),
    "sensors": (70.0, 31.0, 13.0),
    "analog": (36.0, 10.6, 28.0),
    "storage": (69.5, 45.2, 12.5),
    "radio": (67.0, 4.0, 23.0),
    "indicators": (46.0, 57.0, 22.5),
}


def placed(d: Design) -> Iterator[tuple[Item, float, float, float]]:
    """Yield every part with x, y and KiCad angle: fixed ones where they belong, the others in rows in their area."""
    for sheet, (left, top, width) in AREAS.items():
        for back in (False, True):
            x, y, tall = 0.0, 0.0, 0.0
            movable = [item for item in d.items if item.sheet == sheet and item.back == back and not item.fixed]
            for item in sorted(movable, key=lambda item: -item.footprint.courtyard[1]):
                w, h = item.footprint.courtyard
                if x and x + w > width:
                    x, y, tall = 0.0, y + tall + 0.3, 0.0
                yield item, LEFT + left + x + w / 2, TOP + top + y + h / 2, 0.0
                x, tall = x + w + 0.3, max(tall, h)
    for item in d.items:
        if item.fixed:
            x, y, angle = item.fixed
            yield item, LEFT + x, TOP + y, angle


def number(value: float) -> str:
    return f"{round(value, 4):.4f}".rstrip("0").rstrip(".") if round(value, 4) else "0"


def identity(*words: object) -> str:
    return str(uuid.uuid5(NAMESPACE, " ".join(map(str, words))))


def rectangle(w: float, h: float, layer: str, key: str, width: float) -> str:
    x, y = number(w / 2), number(h / 2)
    return (
        f"\t\t(fp_rect\n\t\t\t(start -{x} -{y})\n\t\t\t(end {x} {y})\n\t\t\t(stroke\n\t\t\t\t(width {width})\n"
        f'\t\t\t\t(type default)\n\t\t\t)\n\t\t\t(fill none)\n\t\t\t(layer "{layer}")\n\t\t\t(uuid "{key}")\n\t\t)\n'
    )


def footprint(item: Item, x: float, y: float, angle: float, nets: dict[str, int]) -> str:
    side = "B" if item.back else "F"
    at = f"{number(x)} {number(y)}" + (f" {number(angle)}" if angle else "")
    lines = [f'\t(footprint "{item.footprint.library}"\n']
    lines += ["\t\t(locked yes)\n"] if item.fixed else []
    lines.append(f'\t\t(layer "{side}.Cu")\n\t\t(uuid "{identity(item.ref)}")\n\t\t(at {at})\n')
    for name, text, offset, layer in (("Reference", item.ref, -1, "SilkS"), ("Value", item.value, 1, "Fab")):
        lines.append(
            f'\t\t(property "{name}" "{text}"\n\t\t\t(at 0 {number(offset * (item.footprint.courtyard[1] / 2 + 0.6))}'
            f'{" " + number(angle) if angle else " 0"})\n\t\t\t(layer "{side}.{layer}")\n'
            f'\t\t\t(uuid "{identity(item.ref, name)}")\n\t\t\t(effects\n\t\t\t\t(font\n\t\t\t\t\t(size 0.6 0.6)\n'
            f"\t\t\t\t\t(thickness 0.1)\n\t\t\t\t)\n"
            + ("\t\t\t\t(justify mirror)\n" if item.back else "")
            + "\t\t\t)\n\t\t)\n"
        )
    lines.append(f'\t\t(path "/{identity(item.sheet)}/{identity(item.ref, "symbol")}")\n')
    lines.append(f'\t\t(sheetname "/{item.sheet}/")\n\t\t(sheetfile "{item.sheet.replace(" ", "_")}.kicad_sch")\n')
    through = any(pad.drill for pad in item.footprint.pads)
    lines.append(f"\t\t(attr {'through_hole' if through else 'smd'})\n")
    lines.append(rectangle(*item.footprint.courtyard, f"{side}.CrtYd", identity(item.ref, "courtyard"), 0.05))
    lines.append(rectangle(*item.footprint.body, f"{side}.Fab", identity(item.ref, "body"), 0.1))
    lines += [pad_text(item, index, pad, side, angle, nets) for index, pad in enumerate(item.footprint.pads)]
    return "".join(lines) + "\t)\n"


def pad_text(item: Item, index: int, pad: Pad, side: str, angle: float, nets: dict[str, int]) -> str:
    mirror = -1.0 if item.back else 1.0  # KiCad flips a footprint top to bottom
    kind = "thru_hole" if pad.drill else "smd"
    layers = '"*.Cu" "*.Mask"' if pad.drill else f'"{side}.Cu" "{side}.Paste" "{side}.Mask"'
    net = item.nets.get(pad.number)
    return (
        f'\t\t(pad "{pad.number}" {kind} {pad.shape}\n'
        f"\t\t\t(at {number(pad.x)} {number(mirror * pad.y)}{' ' + number(angle) if angle else ''})\n"
        f"\t\t\t(size {number(pad.w)} {number(pad.h)})\n"
        + (f"\t\t\t(drill {number(pad.drill)})\n" if pad.drill else "")
        + f"\t\t\t(layers {layers})\n"
        + ("\t\t\t(roundrect_rratio 0.25)\n" if pad.shape == "roundrect" else "")
        + (f'\t\t\t(net {nets[net]} "{net}")\n' if net else "")
        + f'\t\t\t(uuid "{identity(item.ref, "pad", index)}")\n\t\t)\n'
    )


def edge() -> Iterator[str]:
    """The board edge: four lines, four corner arcs, four mounting holes, a milled slot that isolates the field bus."""
    right, bottom, r = LEFT + WIDTH, TOP + HEIGHT, CORNER
    yield from (drawing("line", start=a, end=b) for a, b in (
        ((LEFT + r, TOP), (right - r, TOP)), ((right, TOP + r), (right, bottom - r)),
        ((right - r, bottom), (LEFT + r, bottom)), ((LEFT, bottom - r), (LEFT, TOP + r)),
    ))  # fmt: skip
    for cx, cy, first in (
        (LEFT + r, TOP + r, 180),
        (right - r, TOP + r, 270),
        (right - r, bottom - r, 0),
        (LEFT + r, bottom - r, 90),
    ):
        yield arc(cx, cy, r, first, first + 90)
    for x in (LEFT + 5, right - 5):
        for y in (TOP + 5, bottom - 5):
            yield drawing("circle", center=(x, y), end=(x + 1.6, y))
    x1, x2, y, r = LEFT + 10, LEFT + 40, TOP + 53.5, 0.75
    yield drawing("line", start=(x1, y - r), end=(x2, y - r))
    yield drawing("line", start=(x2, y + r), end=(x1, y + r))
    yield arc(x2, y, r, -90, 90)
    yield arc(x1, y, r, 90, 270)


def arc(cx: float, cy: float, r: float, first: float, last: float) -> str:
    on = [
        (cx + r * math.cos(math.radians(a)), cy + r * math.sin(math.radians(a)))
        for a in (first, (first + last) / 2, last)
    ]
    return drawing("arc", start=on[0], mid=on[1], end=on[2])


def drawing(kind: str, **points: tuple[float, float]) -> str:
    places = "".join(f"\t\t({name} {number(x)} {number(y)})\n" for name, (x, y) in points.items())
    fill = "\t\t(fill none)\n" if kind == "circle" else ""
    stroke = "\t\t(stroke\n\t\t\t(width 0.1)\n\t\t\t(type default)\n\t\t)\n"
    return f'\t(gr_{kind}\n{places}{stroke}{fill}\t\t(layer "Edge.Cuts")\n\t\t(uuid "{identity(kind, places)}")\n\t)\n'


LAYERS = (
    (0, "F.Cu", "signal"), (31, "B.Cu", "signal"), (34, "B.Paste", "user"), (35, "F.Paste", "user"),
    (36, "B.SilkS", 'user "B.Silkscreen"'), (37, "F.SilkS", 'user "F.Silkscreen"'), (38, "B.Mask", "user"),
    (39, "F.Mask", "user"), (44, "Edge.Cuts", "user"), (46, "B.CrtYd", 'user "B.Courtyard"'),
    (47, "F.CrtYd", 'user "F.Courtyard"'), (48, "B.Fab", "user"), (49, "F.Fab", "user"),
)  # fmt: skip


def board_text() -> str:
    """Return the whole file."""
    design = Design()
    for sheet in (power, processor, usb, field_bus, sensors, analog, storage, radio, indicators):
        sheet(design)
    names = sorted({net for item in design.items for net in item.nets.values()})
    nets = {name: index + 1 for index, name in enumerate(names)}
    head = '(kicad_pcb\n\t(version 20240108)\n\t(generator "pcbnew")\n\t(generator_version "8.0")\n'
    head += '\t(general\n\t\t(thickness 1.6)\n\t\t(legacy_teardrops no)\n\t)\n\t(paper "A4")\n'
    head += '\t(title_block\n\t\t(title "Field sensor hub")\n\t\t(rev "A")\n\t)\n\t(layers\n'
    head += "".join(f'\t\t({n} "{name}" {kind})\n' for n, name, kind in LAYERS) + "\t)\n"
    head += "\t(setup\n\t\t(pad_to_mask_clearance 0)\n\t)\n"
    head += '\t(net 0 "")\n' + "".join(f'\t(net {index} "{name}")\n' for name, index in nets.items())
    body = "".join(footprint(item, x, y, angle, nets) for item, x, y, angle in placed(design))
    return head + body + "".join(edge()) + ")\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    target.write_text(board_text(), encoding="utf-8", newline="\n")
    print(target)
