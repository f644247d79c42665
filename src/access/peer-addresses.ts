/** Addresses of peers as they can be compared: IPv4 also where the system writes it as IPv6. */
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.process>
export type AddressRange = readonly [Address, number]

/** Bits of an IPv6 address that one customer has to itself. */
const NETWORK_BITS = 64

/** In the words of ipaddr.js. */
const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  'private',
  'loopback',
  'uniqueLocal',
  'linkLocal',
  'carrierGradeNat',
])

/** Undefined for what is no address. */
export function parseAddress(text: string): Address | undefined {
  // Of a link-local address; and ipaddr.js would take "1" for 0.0.0.1.
  const plain = text.replace(/%.*$/, '')
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(plain) || ipaddr.IPv6.isValid(plain)
  return isAddress ? ipaddr.process(plain) : undefined
}

/** Of `10.0.0.0/8` or a single address. Errors: throws Error for anything else. */
export function parseRange(text: string): AddressRange {
  const [base = '', bits, more] = text.split('/')
  const address = parseAddress(base)
  const isMapped = address?.kind() === 'ipv4' && base.includes(':')
  const longest = address?.kind() === 'ipv4' ? 32 : 128
  const given = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) - (isMapped ? 96 : 0) : NaN
  if (!address || more !== undefined || !(given >= 0 && given <= longest)) {
    throw new Error(`"${text}" is no address and no range such as 10.0.0.0/8`)
  }
  return [address, given]
}

export function isWithin(ranges: readonly AddressRange[], text: string): boolean {
  const address = parseAddress(text)
  if (!address) return false
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
}

/** Is it of this machine, or of a network that is not the internet? */
export function isPrivate(text: string): boolean {
  return PRIVATE_RANGES.has(parseAddress(text)?.range() ?? '')
}

/** Returns by what somebody is counted: an IPv4 address, the network of an IPv6 one, or the text itself. */
export function sourceOf(text: string): string {
  if (!text.includes(':')) return text
  const address = parseAddress(text)
  if (!address) return text
  if (address.kind() === 'ipv4') return address.toString()
  return address
    .toByteArray()
    .slice(0, NETWORK_BITS / 8)
    .join('.')
}
