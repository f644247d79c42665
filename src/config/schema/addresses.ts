/** Addresses as settings have them: ranges of IP addresses, host names, and the URLs that the bridge itself asks. */
import ipaddr from 'ipaddr.js'
import * as z from 'zod'

/** An IP address, or a range of them in CIDR notation. */
export const addressRange = z.string().refine(isAddressRange, {
  error: 'must be an IP address, or a range such as "10.0.0.0/8" or "fd00::/8"',
})

/** Stricter than the parser, which also takes what is not what it seems to be: 10.1, 012.0.0.1, or a zone. */
function isAddressRange(value: string): boolean {
  const [address = '', length] = value.split('/')
  const isAddress = address.includes(':')
    ? ipaddr.IPv6.isValid(address) && !address.includes('%')
    : ipaddr.IPv4.isValidFourPartDecimal(address)
  return isAddress && (length === undefined || ipaddr.isValidCIDR(value))
}

/** A host as in `Host`, without its port. */
export const hostName = z.string().refine(isHostName, {
  error: 'must be a host name without a port, such as "app.example.com"; an IPv6 address stands in brackets',
})

function isHostName(value: string): boolean {
  if (!/^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(value)) return false
  const url = `http://${value}/`
  return URL.canParse(url) && new URL(url).hostname === value.toLowerCase()
}

/** Returns why the bridge could not ask this URL, as a phrase; undefined if it can. Never quotes it: it may hold a password. */
export function urlProblem(value: string): string | undefined {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return 'must be an http:// or https:// URL'
  const { username, password, hash } = new URL(value)
  if (username !== '' || password !== '') return 'must have no user name and no password'
  if (hash !== '' || value.includes('#')) return 'must have no "#"'
  return undefined
}
