"""Customers and complaints as more systems, trades and languages write them: headers, days, amounts and flags; all values are invented."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import NamedTuple

NUMBERS = range(60)
MONTHS = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
}


class Pair(NamedTuple):
    """Headers of customers and complaints, with what stands below each; `times` is what an amount is multiplied by, 0 where there is none."""

    customers: str
    complaints: str
    separator: str = ","
    gone: str = "Yes"
    here: str = "No"
    encoding: str = "utf-8"
    times: int = 0


class Day:
    """A day or a blank; ``{day:%d/%m~-}`` writes it, or what stands behind ``~`` for a blank; U, M and X count seconds, milliseconds and days."""

    def __init__(self, day: date | None) -> None:
        self.day = day

    def __format__(self, form: str) -> str:
        form, _, blank = form.partition("~")
        if self.day is None:
            return blank
        seconds = int(datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC).timestamp())
        counted = {"U": seconds, "M": seconds * 1000, "X": (self.day - date(1899, 12, 30)).days}
        if form in counted:
            return str(counted[form])
        if form.startswith("L:"):
            _, language, form = form.split(":", 2)
            form = form.replace("%B", MONTHS[language].split()[self.day.month - 1]).replace("%d", str(self.day.day))
        return self.day.strftime(form)


def first(n: int) -> date:
    return date(2023, n % 12 + 1, n % 28 + 1)


def last(n: int) -> date | None:
    return date(2025, n % 6 + 1, 15) if n % 4 == 0 else None


def day(n: int) -> date:
    return date(2024, n % 9 + 1, n * 5 % 28 + 1)


def money(n: int) -> float:
    return 100.0 + n * 7.5


def render(pair: Pair, layout: str, numbers: range) -> bytes:
    """A file with these columns, a row per number."""
    cells = [cell.split("=", 1) for cell in layout.split("|")]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=pair.separator, lineterminator="\r\n")
    writer.writerow([header for header, _ in cells])
    for n in numbers:
        amount = money(n)
        values = {
            "n": n, "k": f"{n:05d}", "case": str(70000 + n * 3), "first": Day(first(n)), "last": Day(last(n)), "day": Day(day(n)),
            "why": ("Billing", "Delivery", "Quality")[n // 2 % 3], "gone": pair.gone if last(n) else pair.here, "m": amount,
            "fr": f"{amount:.2f}".replace(".", ","), "seg": ("Gold", "Silver", "Basic")[n % 3], "ch": ("Phone", "Mail", "Web", "Shop")[n % 4],
            "pri": ("High", "Low")[n % 2], "st": ("Closed", "Open")[n % 2],
        }  # fmt: skip
        writer.writerow([cell.format(**values) for _, cell in cells])
    return text.getvalue().encode(pair.encoding)


DATED = {
    "intercom": Pair(
        "user_id={k}|email=x|signed_up_at={first:%Y-%m-%d %H:%M:%S UTC}|last_seen_at={day:%Y-%m-%d}|churned_at={last:%Y-%m-%d %H:%M:%S UTC}",
        "conversation_id={case}|user_id={k}|conversation_started_at={day:%Y-%m-%d %H:%M:%S UTC}|tag={why}",
    ),
    "front": Pair(
        "contact_id=crd_{k}|created_at={first:U}|cancelled_on={last:%Y-%m-%d}",
        "conversation=cnv_{case}|contact_id=crd_{k}|created_at={day:U}|inbox=Support|topic={why}",
    ),
    "helpscout": Pair(
        "Customer ID={k}|Customer Since={first:%b %d, %Y}|Left On={last:%b %d, %Y}",
        "Conversation #={case}|Customer ID={k}|Created On={day:%b %d, %Y %I:%M %p}|Type={why}|Status={st}",
    ),
    "gorgias": Pair(
        "Customer id={k}|Created datetime={first:%Y-%m-%dT%H:%M:%S.000000}|Cancellation date={last:%Y-%m-%d}",
        "Ticket id={case}|Customer id={k}|Creation date={day:%Y-%m-%dT%H:%M:%S.000000}|Contact reason={why}|Channel={ch}",
    ),
    "jira sm": Pair(
        "Customer key=CUST-{k}|Onboarded={first:%d/%b/%y}|Offboarded={last:%d/%b/%y}",
        "Issue key=SUP-{case}|Issue Type=Incident|Customer key=CUST-{k}|Created={day:%d/%b/%y %I:%M %p}|Request Type={why}|Priority={pri}",
    ),
    "servicenow": Pair(
        "u_customer_number=CU{k}|u_contract_start={first:%Y-%m-%d %H:%M:%S}|u_contract_end={last:%Y-%m-%d %H:%M:%S}",
        "number=CS{case}|account=CU{k}|opened_at={day:%Y-%m-%d %H:%M:%S}|category={why}|state={st}",
    ),
    "servicenow dv": Pair(
        "account.number=AC{k}|account.sys_created_on={first:%m-%d-%Y}|account.u_churn_date={last:%m-%d-%Y}",
        "number=CS{case}|account.number=AC{k}|sys_created_on={day:%m-%d-%Y}|contact_type={ch}|u_reason={why}",
    ),
    "freshdesk fr": Pair(
        "ID du contact={k}|Heure de création={first:%Y-%m-%d %H:%M:%S}|Date de départ={last:%Y-%m-%d}",
        "ID du ticket={case}|ID du contact={k}|Heure de création={day:%Y-%m-%d %H:%M:%S}|Type={why}|Statut={st}",
    ),
    "zendesk es": Pair(
        "ID externo={k}|Cliente desde={first:%d/%m/%Y}|Cliente hasta={last:%d/%m/%Y}",
        "ID de ticket={case}|ID externo={k}|Fecha de creación={day:%d/%m/%Y}|Tipo de problema={why}", separator=";",
    ),
    "hubspot de": Pair(
        "Datensatz-ID={k}|Erstellungsdatum={first:%Y-%m-%d %H:%M}|Abwanderungsdatum={last:%Y-%m-%d}",
        "Ticket-ID={case}|Associated Contact IDs={k}|Erstellungsdatum={day:%Y-%m-%d %H:%M}|Kategorie={why}",
    ),
    "salesforce pt": Pair(
        "ID da conta=001{k}AAA|Data de criação={first:%d/%m/%Y}|Data de cancelamento={last:%d/%m/%Y}",
        "Número do caso={case}|ID da conta=001{k}AAA|Data/Hora de abertura={day:%d/%m/%Y %H:%M}|Motivo do caso={why}", separator=";",
    ),
    "salesforce de": Pair(
        "Account-ID=001{k}AAA|Erstelldatum={first:%d.%m.%Y}|Vertragsende={last:%d.%m.%Y}|Jahresumsatz=EUR {fr}",
        "Kundenvorgangsnummer={case}|Account-ID=001{k}AAA|Geöffnet am={day:%d.%m.%Y, %H:%M}|Kundenvorgangsgrund={why}", separator=";", times=1,
    ),
    "dynamics es": Pair(
        "Número de cuenta=AC{k}|Fecha de creación={first:%d/%m/%Y %H:%M}|Fecha de baja={last:%d/%m/%Y}",
        "Número de caso={case}|Número de cuenta=AC{k}|Fecha de creación={day:%d/%m/%Y %H:%M}|Asunto={why}", separator=";",
    ),
    "pipedrive": Pair(
        "Organization - ID={k}|Organization - Organization created={first:%Y-%m-%d %H:%M:%S}|Organization - Churn date={last:%Y-%m-%d}",
        "ID={case}|Organization ID={k}|Add time={day:%Y-%m-%d %H:%M:%S}|Complaint type={why}",
    ),
    "odoo fr": Pair(
        "ID={k}|Créé le={first:%d/%m/%Y %H:%M:%S}|Date de fin={last:%d/%m/%Y}",
        "ID={case}|Client/ID={k}|Créé le={day:%d/%m/%Y %H:%M:%S}|Type de ticket={why}|Équipe d'assistance=N1", separator=";",
    ),
    "stripe customers": Pair(
        "id=cus_{k}|Email=x|Created (UTC)={first:%Y-%m-%d %H:%M}|Delinquent=false|Canceled At (UTC)={last:%Y-%m-%d %H:%M}",
        "ticket={case}|stripe_customer_id=cus_{k}|created={day:%Y-%m-%d}|reason={why}",
    ),
    "paddle": Pair(
        "customer_id=ctm_{k}|started_at={first:%Y-%m-%dT%H:%M:%SZ}|canceled_at={last:%Y-%m-%dT%H:%M:%SZ}|status={gone}|unit_price={m:.2f}|billing_cycle=year",
        "customer_id=ctm_{k}|created_at={day:%Y-%m-%dT%H:%M:%SZ}|issue={why}", gone="canceled", here="active", times=1,
    ),
    "zuora": Pair(
        "Account.AccountNumber=A{k}|Subscription.ContractEffectiveDate={first:%m/%d/%Y}|Subscription.CancelledDate={last:%m/%d/%Y}",
        "Account.AccountNumber=A{k}|Case.OpenedDate={day:%m/%d/%Y}|Case.Category={why}",
    ),
    "woocommerce subs": Pair(
        "Subscription ID={n}|Customer User ID={k}|Start Date={first:%B %d, %Y}|End Date={last:%B %d, %Y}|Status={gone}|Recurring Total={m:.2f}",
        "order_id={case}|Customer User ID={k}|Date={day:%B %d, %Y}|Reason={why}", gone="Cancelled", here="Active",
    ),
    "recharge": Pair(
        "customer_id={k}|subscription_created_at={first:%Y-%m-%dT%H:%M:%S}|cancelled_at={last:%Y-%m-%dT%H:%M:%S}",
        "shopify_customer_id={k}|created_at={day:%Y-%m-%dT%H:%M:%S}|contact_reason={why}",
    ),
    "maxio": Pair(
        "Customer Reference=R{k}|Signup Date={first:%Y-%m-%d}|Canceled At={last:%Y-%m-%d}|State={gone}",
        "Customer Reference=R{k}|Opened={day:%Y-%m-%d}|Topic={why}", gone="canceled", here="active",
    ),
    "cegid": Pair(
        "Code tiers=C{k}|Date création={first:%d/%m/%Y}|Date fermeture={last:%d/%m/%Y}|CA N={fr}",
        "N° réclamation={case}|Code tiers=C{k}|Date réception={day:%d/%m/%Y}|Nature={why}", separator=";", times=1,
    ),
    "sap bp": Pair(
        "Geschäftspartner=10{k}|Angelegt am={first:%d.%m.%Y}|Auszug am={last:%d.%m.%Y~31.12.9999}",
        "Meldung={case}|Geschäftspartner=10{k}|Meldungsdatum={day:%d.%m.%Y}|Codegruppe={why}", separator=";",
    ),
    "sap isu compact": Pair(
        "VKONTO=20{k}|EINZDAT={first:%Y%m%d}|AUSZDAT={last:%Y%m%d~99991231}",
        "QMNUM={case}|VKONTO=20{k}|QMDAT={day:%Y%m%d}|QMKAT={why}", separator=";",
    ),
    "gym fr": Pair(
        "N° d'abonné={k}|Date d'inscription={first:%d/%m/%Y}|Date de fin d'abonnement={last:%d/%m/%Y}|Club=Lyon|Mensualité={fr} €",
        "N° d'abonné={k}|Date de la plainte={day:%d/%m/%Y}|Objet de la plainte={why}", separator=";", times=12,
    ),
    "mindbody": Pair(
        "Client ID={k}|First Visit={first:%m/%d/%Y}|Membership Terminated={last:%m/%d/%Y}",
        "Client ID={k}|Logged={day:%m/%d/%Y}|Complaint Type={why}",
    ),
    "telecom en": Pair(
        "MSISDN=3361234{k}|Activation Date={first:%d-%b-%Y}|Disconnection Date={last:%d-%b-%Y}|ARPU={m:.2f}",
        "SR Number={case}|MSISDN=3361234{k}|SR Created={day:%d-%b-%Y}|SR Area={why}|SR Status={st}", times=12,
    ),
    "telecom fr port": Pair(
        "N° de ligne=06{k}11|Date de mise en service={first:%d/%m/%Y}|Date de portabilité sortante={last:%d/%m/%Y}",
        "N° de ligne=06{k}11|Date d'appel={day:%d/%m/%Y}|Motif d'appel={why}", separator=";",
    ),
    "insurance fr": Pair(
        "N° de contrat={k}|Date d'effet={first:%d/%m/%Y}|Date de résiliation={last:%d/%m/%Y}|Prime annuelle TTC={fr} €",
        "N° sinistre={case}|N° de contrat={k}|Date de déclaration={day:%d/%m/%Y}|Nature du litige={why}", separator=";", times=1,
    ),
    "insurance en": Pair(
        "Policy Number=P{k}|Inception Date={first:%d %b %Y}|Lapse Date={last:%d %b %Y}|Annual Premium=£{m:.2f}",
        "Complaint Ref={case}|Policy Number=P{k}|Date Complaint Received={day:%d %b %Y}|Root Cause={why}", times=1,
    ),
    "bank en": Pair(
        "CIF=7{k}|Account Open Date={first:%Y/%m/%d}|Account Close Date={last:%Y/%m/%d}|Branch=B1",
        "Complaint Reference={case}|CIF=7{k}|Date Logged={day:%Y/%m/%d}|Product Complained About={why}",
    ),
    "bank fr": Pair(
        "Identifiant client={k}|Date d'ouverture de compte={first:%d/%m/%Y}|Date de clôture={last:%d/%m/%Y}|PNB annuel={fr}",
        "Réf. réclamation={case}|Identifiant client={k}|Date de saisie={day:%d/%m/%Y}|Thème={why}", separator=";", times=1,
    ),
    "energy fr": Pair(
        "PDL=1234{k}|Date de mise en service={first:%d/%m/%Y}|Date de sortie={last:%d/%m/%Y}",
        "N° de dossier={case}|PDL=1234{k}|Date d'enregistrement={day:%d/%m/%Y}|Sous-thème={why}", separator=";",
    ),
    "energy uk": Pair(
        "MPAN=1900{k}|Supply Start Date={first:%d/%m/%Y}|Supply End Date={last:%d/%m/%Y}",
        "MPAN=1900{k}|Complaint Opened={day:%d/%m/%Y}|Complaint Category={why}",
    ),
    "press fr": Pair(
        "Matricule abonné={k}|1er numéro={first:%d/%m/%Y}|Dernier numéro servi={last:%d/%m/%Y}",
        "Matricule abonné={k}|Reçu le={day:%d/%m/%Y}|Type de réclamation={why}", separator=";",
    ),
    "mutual fr": Pair(
        "N° sociétaire={k}|Adhésion={first:%d/%m/%Y}|Radiation={last:%d/%m/%Y}|Cotisation annuelle={fr} €",
        "N° sociétaire={k}|Saisie le={day:%d/%m/%Y}|Sujet={why}", separator=";", times=1,
    ),
    "hotel loyalty": Pair(
        "Membership No={k}|Enrolment Date={first:%d.%m.%Y}|Closed On={last:%d.%m.%Y}|Tier={seg}",
        "Membership No={k}|Feedback Date={day:%d.%m.%Y}|Feedback Area={why}",
    ),
    "school": Pair(
        "Student ID={k}|Enrolled={first:%Y-%m-%d}|Withdrawn={last:%Y-%m-%d}|Tuition per year=${m:,.2f}",
        "Student ID={k}|Reported={day:%Y-%m-%d}|Concern={why}", times=1,
    ),
    "saas camel": Pair(
        "accountId=acc-{k}|signupDate={first:%Y-%m-%dT%H:%M:%S.%fZ}|churnDate={last:%Y-%m-%dT%H:%M:%S.%fZ~null}|annualContractValue={m}",
        "ticketId={case}|accountId=acc-{k}|openedAt={day:%Y-%m-%dT%H:%M:%S.%fZ}|issueType={why}", times=1,
    ),
    "saas mixpanel": Pair(
        "$distinct_id={k}|$created={first:%Y-%m-%dT%H:%M:%S}|cancelled_on={last:%Y-%m-%d}|plan={seg}",
        "$distinct_id={k}|time={day:U}|complaint_type={why}",
    ),
    "dutch": Pair(
        "Klantnummer={k}|Ingangsdatum={first:%d-%m-%Y}|Opzegdatum={last:%d-%m-%Y}|Jaarbedrag=€ {fr}",
        "Klachtnummer={case}|Klantnummer={k}|Datum klacht={day:%d-%m-%Y}|Soort klacht={why}", separator=";", times=1,
    ),
    "dutch months": Pair(
        "Klant={k}|Lid sinds={first:L:nl:%d %B %Y}|Lid tot={last:L:nl:%d %B %Y}",
        "Klant={k}|Ontvangen op={day:L:nl:%d %B %Y}|Onderwerp={why}", separator=";",
    ),
    "polish": Pair(
        "Nr klienta={k}|Data zawarcia umowy={first:%Y-%m-%d}|Data rozwiązania umowy={last:%Y-%m-%d}|Opłata roczna={fr} zł",
        "Nr reklamacji={case}|Nr klienta={k}|Data zgłoszenia={day:%Y-%m-%d}|Powód reklamacji={why}", separator=";", times=1,
    ),
    "portuguese br": Pair(
        "Código do cliente={k}|Data de ativação={first:%d/%m/%Y}|Data do desligamento={last:%d/%m/%Y}|Receita anual=R$ {fr}",
        "Protocolo={case}|Código do cliente={k}|Data da reclamação={day:%d/%m/%Y}|Assunto={why}", separator=";", times=1,
    ),
    "italian": Pair(
        "Cod. cliente={k}|Data decorrenza={first:%d/%m/%Y}|Data recesso={last:%d/%m/%Y}|Canone annuo={fr} €",
        "Nr. reclamo={case}|Cod. cliente={k}|Data reclamo={day:%d/%m/%Y}|Tipologia={why}", separator=";", times=1,
    ),
    "spanish mx": Pair(
        "No. de socio={k}|Fecha de ingreso={first:L:es:%d-%B-%Y}|Fecha de retiro={last:L:es:%d-%B-%Y}",
        "Folio={case}|No. de socio={k}|Fecha de la queja={day:L:es:%d-%B-%Y}|Tipo de queja={why}",
    ),
    "german member": Pair(
        "Mitgliedsnummer={k}|Eintrittsdatum={first:%d.%m.%y}|Austrittsdatum={last:%d.%m.%y}|Jahresbeitrag={fr} EUR",
        "Mitgliedsnummer={k}|Eingang am={day:%d.%m.%y}|Beschwerdegrund={why}", separator=";", times=1,
    ),
    "swedish": Pair(
        "Kundnummer={k}|Startdatum={first:%Y-%m-%d}|Slutdatum={last:%Y-%m-%d}|Årsavgift={fr} kr",
        "Ärendenummer={case}|Kundnummer={k}|Inkom={day:%Y-%m-%d}|Ärendetyp={why}", separator=";", times=1,
    ),
    "danish": Pair(
        "Kundenr.={k}|Oprettet={first:%d-%m-%Y}|Opsagt={last:%d-%m-%Y}",
        "Sagsnr.={case}|Kundenr.={k}|Modtaget={day:%d-%m-%Y}|Årsag={why}", separator=";",
    ),
    "norwegian": Pair(
        "Kundenummer={k}|Kunde siden={first:%d.%m.%Y}|Avsluttet={last:%d.%m.%Y}",
        "Saksnummer={case}|Kundenummer={k}|Mottatt={day:%d.%m.%Y}|Kategori={why}", separator=";",
    ),
    "finnish": Pair(
        "Asiakasnumero={k}|Alkupäivä={first:%d.%m.%Y}|Loppupäivä={last:%d.%m.%Y}",
        "Tapausnumero={case}|Asiakasnumero={k}|Päivämäärä={day:%d.%m.%Y}|Syy={why}", separator=";",
    ),
    "turkish": Pair(
        "Müşteri No={k}|Başlangıç Tarihi={first:%d.%m.%Y}|İptal Tarihi={last:%d.%m.%Y}",
        "Şikayet No={case}|Müşteri No={k}|Şikayet Tarihi={day:%d.%m.%Y}|Şikayet Konusu={why}", separator=";",
    ),
    "czech": Pair(
        "Číslo zákazníka={k}|Datum zahájení={first:%d.%m.%Y}|Datum ukončení={last:%d.%m.%Y}",
        "Číslo reklamace={case}|Číslo zákazníka={k}|Datum reklamace={day:%d.%m.%Y}|Důvod={why}", separator=";",
    ),
    "romanian": Pair(
        "Cod client={k}|Data începerii={first:%d.%m.%Y}|Data rezilierii={last:%d.%m.%Y}",
        "Nr. reclamație={case}|Cod client={k}|Data reclamației={day:%d.%m.%Y}|Motiv={why}", separator=";",
    ),
    "hungarian": Pair(
        "Ügyfélszám={k}|Szerződés kezdete={first:%Y.%m.%d.}|Szerződés vége={last:%Y.%m.%d.}",
        "Ügyfélszám={k}|Panasz dátuma={day:%Y.%m.%d.}|Panasz oka={why}", separator=";",
    ),
    "greek": Pair(
        "Κωδικός πελάτη={k}|Ημερομηνία έναρξης={first:%d/%m/%Y}|Ημερομηνία λήξης={last:%d/%m/%Y}",
        "Κωδικός πελάτη={k}|Ημερομηνία παραπόνου={day:%d/%m/%Y}|Κατηγορία={why}", separator=";",
    ),
    "russian": Pair(
        "Код клиента={k}|Дата начала={first:%d.%m.%Y}|Дата окончания={last:%d.%m.%Y}",
        "Код клиента={k}|Дата обращения={day:%d.%m.%Y}|Причина={why}", separator=";", encoding="cp1251",
    ),
    "japanese": Pair(
        "顧客ID={k}|契約開始日={first:%Y年%m月%d日}|解約日={last:%Y年%m月%d日}",
        "問合せ番号={case}|顧客ID={k}|受付日={day:%Y年%m月%d日}|カテゴリ={why}", encoding="utf-8-sig",
    ),
    "chinese": Pair(
        "客户编号={k}|开始日期={first:%Y-%m-%d}|结束日期={last:%Y-%m-%d}",
        "投诉编号={case}|客户编号={k}|投诉日期={day:%Y-%m-%d}|类别={why}",
    ),
    "arabic": Pair(
        "رقم العميل={k}|تاريخ البدء={first:%Y-%m-%d}|تاريخ الانتهاء={last:%Y-%m-%d}",
        "رقم العميل={k}|تاريخ الشكوى={day:%Y-%m-%d}|السبب={why}",
    ),
    "blank dash": Pair(
        "customer_id={k}|start_date={first:%d.%b.%Y}|end_date={last:%d.%b.%Y~-}",
        "customer_id={k}|complaint_date={day:%d.%b.%Y}|category={why}",
    ),
    "blank running": Pair(
        "Client={k}|Début={first:%d/%m/%Y}|Fin={last:%d/%m/%Y~en cours}",
        "Client={k}|Date={day:%d/%m/%Y}|Motif={why}", separator=";",
    ),
    "blank far": Pair(
        "id={k}|from_date={first:%Y-%m-%d}|to_date={last:%Y-%m-%d~2999-12-31}",
        "id={case}|customer={k}|date={day:%Y-%m-%d}|type={why}",
    ),
    "excel serials": Pair(
        "Customer No={k}|Joined={first:X}|Left={last:X}",
        "Customer No={k}|Complaint Date={day:X}|Subject={why}",
    ),
    "unix ms": Pair(
        "userId=u{k}|createdAt={first:M}|deletedAt={last:M}",
        "userId=u{k}|createdAt={day:M}|category={why}",
    ),
    "rfc2822": Pair(
        "customer_id={k}|start_date={first:%a, %d %b %Y 10:00:00 +0000}|end_date={last:%a, %d %b %Y 10:00:00 +0000}",
        "customer_id={k}|complaint_date={day:%a, %d %b %Y 10:00:00 +0000}|category={why}",
    ),
    "oracle": Pair(
        "CUST_ID={k}|EFF_DT={first:%d-%b-%y}|TERM_DT={last:%d-%b-%y}|ANN_REV_AMT={m:.2f}",
        "CASE_ID={case}|CUST_ID={k}|OPEN_DT={day:%d-%b-%y}|RSN_CD={why}", times=1,
    ),
    "money k": Pair(
        "customer_id={k}|start_date={first:%Y-%m-%d}|end_date={last:%Y-%m-%d}|ACV=${m:,.2f}",
        "customer_id={k}|complaint_date={day:%Y-%m-%d}|category={why}", times=1,
    ),
    "money mrr": Pair(
        "customer_id={k}|start_date={first:%Y-%m-%d}|end_date={last:%Y-%m-%d}|MRR (€)={fr}",
        "customer_id={k}|complaint_date={day:%Y-%m-%d}|category={why}", separator=";", times=12,
    ),
    "money quarter": Pair(
        "customer_id={k}|start_date={first:%Y-%m-%d}|end_date={last:%Y-%m-%d}|Quarterly fee={m:.2f} GBP",
        "customer_id={k}|complaint_date={day:%Y-%m-%d}|category={why}", times=4,
    ),
    "money week": Pair(
        "customer_id={k}|start_date={first:%Y-%m-%d}|end_date={last:%Y-%m-%d}|weekly_price=A${m:.2f}",
        "customer_id={k}|complaint_date={day:%Y-%m-%d}|category={why}", times=52,
    ),
    "days in words, pl": Pair(
        "customer_id={k}|start_date={first:L:pl:%d %B %Y}|end_date={last:L:pl:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:pl:%d %B %Y}|category={why}",
    ),
    "days in words, da": Pair(
        "customer_id={k}|start_date={first:L:da:%d %B %Y}|end_date={last:L:da:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:da:%d %B %Y}|category={why}",
    ),
    "days in words, sv": Pair(
        "customer_id={k}|start_date={first:L:sv:%d %B %Y}|end_date={last:L:sv:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:sv:%d %B %Y}|category={why}",
    ),
    "days in words, tr": Pair(
        "customer_id={k}|start_date={first:L:tr:%d %B %Y}|end_date={last:L:tr:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:tr:%d %B %Y}|category={why}",
    ),
    "days in words, ru": Pair(
        "customer_id={k}|start_date={first:L:ru:%d %B %Y}|end_date={last:L:ru:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:ru:%d %B %Y}|category={why}",
    ),
    "days in words, cs": Pair(
        "customer_id={k}|start_date={first:L:cs:%d %B %Y}|end_date={last:L:cs:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:cs:%d %B %Y}|category={why}",
    ),
    "days in words, fi": Pair(
        "customer_id={k}|start_date={first:L:fi:%d %B %Y}|end_date={last:L:fi:%d %B %Y}",
        "customer_id={k}|complaint_date={day:L:fi:%d %B %Y}|category={why}",
    ),
}
FLAGGED = {
    "glpi fr": Pair(
        "ID={k}|Date de création={first:%d-%m-%Y %H:%M}|Actif={gone}",
        "ID={case}|Demandeur={k}|Date d'ouverture={day:%d-%m-%Y %H:%M}|Catégorie={why}", separator=";", gone="Non", here="Oui",
    ),
    "sage100": Pair(
        "CT_Num=C{k}|CT_DateCreate={first:%d/%m/%y}|CT_Sommeil={gone}",
        "N° pièce={case}|CT_Num=C{k}|Date={day:%d/%m/%y}|Motif={why}", separator=";", gone="1", here="0",
    ),
    "ebp": Pair(
        "Code (tiers)=CL{k}|Date de création={first:%d/%m/%Y}|Inactif={gone}",
        "Code client=CL{k}|Date={day:%d/%m/%Y}|Motif={why}", separator=";", gone="Vrai", here="Faux",
    ),
    "flag termine": Pair(
        "Client={k}|Date souscription={first:%d/%m/%Y}|Situation contrat={gone}",
        "Client={k}|Date={day:%d/%m/%Y}|Motif={why}", separator=";", gone="Terminé", here="En vigueur",
    ),
    "flag attrition": Pair(
        "CLIENTNUM={k}|Open Date={first:%m/%d/%Y}|Attrition_Flag={gone}",
        "CLIENTNUM={k}|Complaint Date={day:%m/%d/%Y}|Issue={why}", gone="Attrited Customer", here="Existing Customer",
    ),
    "flag exited": Pair(
        "CustomerId={k}|JoinDate={first:%m/%d/%Y}|Exited={gone}",
        "CustomerId={k}|Date={day:%m/%d/%Y}|Reason={why}", gone="1", here="0",
    ),
    "flag lost word": Pair(
        "Account={k}|Since={first:%d %B %Y}|Health={gone}",
        "Account={k}|Date={day:%d %B %Y}|Reason={why}", gone="Lost", here="Customer",
    ),
    "flag true inactive": Pair(
        "uid={k}|registered_on={first:%Y-%m-%d}|inactive={gone}",
        "uid={k}|date={day:%Y-%m-%d}|label={why}", gone="true", here="false",
    ),
    "flag blocked": Pair(
        "Clave cliente={k}|Fecha alta={first:%d/%m/%Y}|Activo (S/N)={gone}",
        "Clave cliente={k}|Fecha={day:%d/%m/%Y}|Motivo={why}", separator=";", gone="N", here="S",
    ),
}
